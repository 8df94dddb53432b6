"""`doorstep bench flood`: what others notice while one client sends all it can."""

"""`doorstep bench labels`: time from a price to its shelf label."""

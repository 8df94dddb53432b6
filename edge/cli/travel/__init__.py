"""`doorstep travel`: tables of travel times, from a routing service or from a file."""

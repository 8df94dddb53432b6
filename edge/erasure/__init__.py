"""`doorstep forget`: `rows` decides what of a row stays, `forget` rewrites the journal."""

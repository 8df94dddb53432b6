"""What the same machine allows at best: bare echoes, and the disk alone."""

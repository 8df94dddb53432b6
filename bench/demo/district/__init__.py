"""One day of a district: generated from a seed, or read from files."""

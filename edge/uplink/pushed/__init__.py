"""Settings that the centre pushes: what is kept of them, whose they are, and their trial."""

"""Settings for nodes, in stages: what is wanted where, what became of it, and when to go on or back."""

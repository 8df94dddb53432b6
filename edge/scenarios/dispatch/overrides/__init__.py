"""What dispatchers decide instead of the node: overrides, and what each would cost."""

"""The fleet: how each node is, and whether the two sides have the same."""

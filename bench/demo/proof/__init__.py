"""The evidence of a run, and the invariants that are checked on it."""

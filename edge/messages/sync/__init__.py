"""What a node sends to its centre beside its batches: how it is, and what a day of it was."""

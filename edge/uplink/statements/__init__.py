"""What the node states to the centre beside its batches: its days, signed, and the differences of shops' ledgers."""

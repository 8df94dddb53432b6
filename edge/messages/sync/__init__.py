"""What node and centre exchange beside batches: how a node is, what its day was, certificates, settings."""

"""A shop's own ledgers against the node's record. Which orders differ never leaves the node; how many of them does."""

"""The pure state machine of the node, and the contract of its scenarios."""

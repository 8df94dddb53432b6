"""What would have been different: a recorded day, reconstructed and simulated with the node's own dispatch."""

"""One folder for each kind of event that the node can decide."""

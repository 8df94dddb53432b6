"""What the node asks of its process: descriptors, garbage collection, the service manager, errors of the loop."""

"""What a node takes from its box: time to start, memory, disk, wake-ups."""

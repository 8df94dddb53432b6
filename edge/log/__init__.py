"""What node and centre write to their log: one event a line, each kind named and bounded."""

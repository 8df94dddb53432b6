"""The process: configuration, data directory, wiring, and its interfaces to the operating system."""

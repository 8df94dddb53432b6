"""The process: configuration, data directory, wiring, and what the operating system sees of it."""

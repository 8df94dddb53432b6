"""What a long-running process of ours needs of its machine, node or centre: options, data directory, HTTP server."""

"""What the node reports of itself: status, latency, health checks."""

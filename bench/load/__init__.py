"""Latency and throughput of a real node, beside the floors that the same machine sets in the same run."""

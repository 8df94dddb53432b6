"""The collector: batches in, verified and stored once, summaries out."""

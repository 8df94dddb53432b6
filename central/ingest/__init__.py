"""Batches in: validated, and stored once."""

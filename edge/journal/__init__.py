"""Rows and snapshots on disk."""

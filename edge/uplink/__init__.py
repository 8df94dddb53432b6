"""Batches to the centre, and its answers back."""

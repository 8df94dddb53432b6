"""Policies for the strict simulator, and the interface that each implements."""

"""Labels: which price and stock each electronic shelf label shows."""

from .scenario import Labels

__all__ = ["SCENARIO", "Labels"]

SCENARIO = Labels

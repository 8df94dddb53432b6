"""Dispatch: which rider takes this order."""

from .scenario import Dispatch, Policy

__all__ = ["SCENARIO", "Dispatch", "Policy"]

SCENARIO = Dispatch

"""Dispatch: which rider takes this order."""

from .assignments import Say
from .lifecycle import Refusal, State
from .scenario import Dispatch
from .state.sensor import Sight, Testimony, Witness
from .view import Live, LiveOrder, LiveRider, LiveShop

__all__ = [
    "Dispatch",
    "Live",
    "LiveOrder",
    "LiveRider",
    "LiveShop",
    "Refusal",
    "Say",
    "Sight",
    "State",
    "Testimony",
    "Witness",
]

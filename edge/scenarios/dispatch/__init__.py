"""Dispatch: which rider takes this order."""

from .commitment import Say
from .dispatch import Dispatch
from .lifecycle import Refusal, State
from .live import Live, LiveOrder, LiveRider, LiveShop
from .sight import Sight, Testimony, Witness

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

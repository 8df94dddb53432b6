"""Dispatch: which rider takes this order."""

from .assignments import Effects
from .lifecycle import OrderState, Refusal
from .scenario import Dispatch
from .state.sensor import LiveSensor, RecordedSensor, Sensor
from .view import Live, LiveOrder, LiveRider, LiveShop

__all__ = [
    "Dispatch",
    "Effects",
    "Live",
    "LiveOrder",
    "LiveRider",
    "LiveSensor",
    "LiveShop",
    "OrderState",
    "RecordedSensor",
    "Refusal",
    "Sensor",
]

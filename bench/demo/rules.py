"""The options of dispatch for a district at a speed."""

import math
from typing import Final

from ..lab.settings import Option
from .district.instance import Parameters

LATE_S: Final = 30 * 60
GIVE_UP_S: Final = 60 * 60
"""Sooner than a node by default: nobody begins a shift once the instance's day is over."""

TIMEOUTS_REAL_S: Final = {"reply_s": 0.5, "silent_s": 5.0, "position_age_s_max": 3.0}
"""At high speed, real seconds that people get at least: a minute of a rider's time is 200 ms at 300 times real speed,
and a hiccup of this machine should not look like a rider who does not answer."""


def rules(parameters: Parameters, speed: float) -> dict[str, Option]:
    """The instance's parameters as options of dispatch."""
    timeouts = {name: math.ceil(real_s * speed) for name, real_s in TIMEOUTS_REAL_S.items()}
    defaults = {"reply_s": (60, 3600), "silent_s": (300, 7200), "position_age_s_max": (600, 7200)}
    return {
        "speed_mps": round(parameters.metres_per_minute / 60, 4),
        "detour_factor": 1.0,
        "pickup_service_s": parameters.pickup_service * 60,
        "dropoff_service_s": parameters.dropoff_service * 60,
        "late_s": LATE_S,
        "give_up_s": GIVE_UP_S,
        **{name: min(max(low, timeouts[name]), high) for name, (low, high) in defaults.items()},
    }

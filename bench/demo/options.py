"""What was asked for of a demonstration, and the options of its node: of dispatch for a district at a speed, and of a
broker that it is behind."""

import math
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from msgspec import Struct

from edge.errors import DoorstepError

from ..lab.settings import Option, write_private
from .district.instance import Parameters
from .people.world import Habits


class Options(Struct, frozen=True, kw_only=True):
    """What was asked for. `minutes` are real, 0 for the whole day; `broker` is empty for the node's own endpoint."""

    speed: float = 60.0
    seed: int = 1
    minutes: float = 0.0
    broker: str = ""
    kills: int = 0
    live: bool = False
    """With a screen and keys: decisions are read while they are made, and the uplink can be cut."""
    habits: Habits = Habits()


class Start(Struct, frozen=True):
    """The simulated wall clock shows `wall_ms` at the instant `real_ms`; both Unix ms."""

    wall_ms: int
    real_ms: int


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


def behind(broker: str, username: str, password: str, folder: Path) -> dict[str, Option]:
    """Broker mode: the node is a client, as everybody is. Nothing where there is no broker."""
    if not broker:
        return {}
    link: dict[str, Option] = {"listen": "", "link": broker}
    if username:
        write_private(folder / "link.token", password)
        link |= {"link_username": username, "link_token_file": "link.token"}
    return link


def split_broker(url: str) -> tuple[str, str, str]:
    """A broker's address without the name and the password in it, and these."""
    if not url:
        return "", "", ""
    parts = urlsplit(url)
    if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname:
        raise DoorstepError(
            f"{url!r} is no broker's address. Write mqtt://host:port or mqtt://user:password@host:port."
        )
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{host}{port}", unquote(parts.username or ""), unquote(parts.password or "")

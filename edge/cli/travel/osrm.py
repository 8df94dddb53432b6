"""Durations from a routing service that speaks OSRM's `table`: GET /table/v1/PROFILE/LON,LAT;…?sources=…&destinations=…

https://project-osrm.org/docs/v5.24.0/api/#table-service
"""

import http.client
import urllib.error
import urllib.request
from collections.abc import Sequence
from typing import Final
from urllib.parse import quote

import msgspec
from msgspec import Struct

from ...errors import DoorstepError
from ...scenarios.dispatch.travel.table import SECONDS_MAX, UNKNOWN

PLACES_MAX: Final = 50
"""Starts, and ends, of one request: together the 100 that a service allows by default."""

ANSWER_BYTES_MAX: Final = 4 * 1024 * 1024
"""A hundred times what 50 x 50 rides take."""

TIMEOUT_S: Final = 30.0

Place = tuple[float, float]
"""Latitude and longitude, degrees (WGS-84)."""


class _Answer(Struct):
    code: str
    durations: list[list[float | None]] = []
    message: str = ""


_decode = msgspec.json.Decoder(_Answer).decode


def durations(url: str, profile: str, starts: Sequence[Place], ends: Sequence[Place]) -> list[list[int]]:
    """(starts x ends) Whole seconds, UNKNOWN where there is no way. Raises DoorstepError where nothing usable comes."""
    places = ";".join(f"{lon:.6f},{lat:.6f}" for lat, lon in [*starts, *ends])
    sources = ";".join(str(number) for number in range(len(starts)))
    destinations = ";".join(str(len(starts) + number) for number in range(len(ends)))
    query = f"?sources={sources}&destinations={destinations}&annotations=duration"
    where = f"{url.rstrip('/')}/table/v1/{quote(profile, safe='')}/{places}{query}"
    try:
        with urllib.request.urlopen(where, timeout=TIMEOUT_S) as answer:  # noqa: S310 - the command takes http(s) only
            body = answer.read(ANSWER_BYTES_MAX + 1)
    except urllib.error.HTTPError as error:
        with error:
            detail = error.read(200).decode("utf-8", "replace")
        raise DoorstepError(f"{url} answered with the status {error.code}: {detail}") from error
    except (OSError, http.client.HTTPException) as error:
        raise DoorstepError(f"{url} cannot be asked: {error}. Run the same command again to go on.") from error
    if len(body) > ANSWER_BYTES_MAX:
        raise DoorstepError(f"{url} answered with more than {ANSWER_BYTES_MAX >> 20} MB. Is it OSRM?")
    try:
        found = _decode(body)
    except msgspec.DecodeError as error:
        raise DoorstepError(f"{url} answered with something else than a table of OSRM ({error}).") from error
    if found.code != "Ok":
        raise DoorstepError(f"{url} answered {found.code}: {found.message}")
    if len(found.durations) != len(starts) or any(len(row) != len(ends) for row in found.durations):
        raise DoorstepError(f"{url} answered with a table of another size than {len(starts)} x {len(ends)}.")
    return [[_whole(value) for value in row] for row in found.durations]


def _whole(value: float | None) -> int:
    return UNKNOWN if value is None or not 0 <= value <= SECONDS_MAX else round(value)

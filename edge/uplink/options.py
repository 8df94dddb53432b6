"""Where the uplink leads, and how patient it is."""

import ssl
from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from ..limits import UPLINK_ACK_DEADLINE_S
from ..messages.sync.enrolment import ENROL_ANSWER
from ..messages.sync.settings import SETTINGS_OFFER

OTHER_KINDS: Final = (ENROL_ANSWER, SETTINGS_OFFER)
"""Kinds that the centre sends beside its answers to hellos and batches."""

UPLINK_BACKOFF_S_MIN: Final = 1.0
UPLINK_BACKOFF_S_MAX: Final = 20.0
"""Full-jitter exponential back-off between these. After a long outage most of the time until the centre is up to date
again is this wait; 1,000 nodes of a centre that returns are 50 connections a second."""


class UplinkOptions(Struct, frozen=True, kw_only=True):
    """Where the collectors of the centre are, and who the node is there. Without a token, which only a centre on
    loopback allows, the node goes by its own name. Times are in seconds."""

    node: str
    centre: str
    urls: str | Sequence[str]
    username: str = ""
    token: str = ""
    certified: bool = False
    """Whether `tls` has the node's certificate, which then stands for the token."""
    tls: ssl.SSLContext | None = None
    ack_deadline_s: float = UPLINK_ACK_DEADLINE_S
    backoff: tuple[float, float] = (UPLINK_BACKOFF_S_MIN, UPLINK_BACKOFF_S_MAX)

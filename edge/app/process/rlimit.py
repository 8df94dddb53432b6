"""File descriptors: enough for every connection, and some spare ones."""

import resource
from typing import Final

from ...limits import CONNECTIONS_MAX, DESCRIPTORS_SPARE

_CONNECTIONS_MIN: Final = 16


def raise_nofile() -> None:
    """Raise the soft limit of open files towards what CONNECTIONS_MAX needs, as far as the hard limit goes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = CONNECTIONS_MAX + 3 * DESCRIPTORS_SPARE
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def connections_max() -> int:
    """How many connections fit. Beyond it, new connections replace unauthenticated ones before descriptors run out."""
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if soft == resource.RLIM_INFINITY:
        return CONNECTIONS_MAX
    return max(_CONNECTIONS_MIN, min(CONNECTIONS_MAX, soft - 3 * DESCRIPTORS_SPARE))

"""What the centre's refusals mean for the node, by the reason that the centre gives."""

from typing import Final

LASTING: Final = ("cloned", "replaced", "mismatch")
"""Refusals that no repeat mends: a person has to act."""

_HINTS: Final = {
    "cloned": "Two processes use this node's identity. Stop one of them, and give it a name of its own.",
    "replaced": "Another data directory has enrolled as this node. Stop one of the two nodes.",
    "mismatch": "The centre holds other content under this number. Another node uses this node's identity.",
    "stale_epoch": "The centre has begun a new epoch. Asking for it.",
    "gap": "A batch was lost on the way. Sending it again.",
}


def hint(reason: str) -> str:
    """What is wrong, or what to do about it."""
    return _HINTS.get(reason, "Trying again; see its log and its alarms.")

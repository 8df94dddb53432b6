"""What the centre's refusals mean for the node, by the reason that the centre gives."""

from typing import Final

HEALING: Final = ("gap", "stale_epoch")
"""Refusals that the next hello mends. All others are shown at once: they last until a person acts, or the centre has
room."""

QUARANTINED: Final = "quarantined"
"""The centre cannot store the batch and keeps it aside until a person decides: the node goes on with the next one."""

_HINTS: Final = {
    "mismatch": "Another node uses this node's identity: stop one of the two.",
    "stale_epoch": "The centre has begun a new epoch. Asking for it.",
    "gap": "A batch was lost on the way. Sending it again.",
    "mqtt_0x97": "It has no room on its disk, or this node has sent too much at once. Trying again; see its log.",
    "mqtt_0x99": "It cannot read it: install the same version at both. Trying again; see its log.",
}


def hint(reason: str) -> str:
    """What to do about it, beside the centre's own sentences."""
    return _HINTS.get(reason, "Trying again; its log and its alarms have more.")

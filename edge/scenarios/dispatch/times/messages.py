"""The messages about times: what is promised, and that a shop is to be forgotten."""

from msgspec import Struct

from ....messages.envelope import ClientName, Up


class TimesReset(Up, frozen=True, tag="times.reset"):
    """Forget what was learned about a shop: its preparation, its handover, how well its promises were kept. Where its
    kitchen has changed, the old times would stand in the way of the new ones for some days."""

    shop: ClientName
    """The client name of the shop."""


class DropoffPromise(Struct, frozen=True, omit_defaults=True):
    """When the node expects the drop-off, and how often such a promise should be kept."""

    dropoff_at: int
    """The time promised: orders come by more than five minutes later only rarely."""
    confidence: float
    """The share of such promises that were kept within five minutes, 0 to 1."""
    earliest_at: int = 0
    """From here to `latest_at` are 8 of 10 drop-offs, by what the node has learned. Absent where it learns nothing."""
    latest_at: int = 0
    """The end of this interval."""

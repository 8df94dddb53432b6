"""Codes at the door leave the message before anything is stored, logged or compared: only their hash goes on.

The hash has the order as its key, so that equal codes of two orders look different. A code of a few digits can be found
by whoever reads the journal and tries them all; by then it opens nothing any more.
"""

from hashlib import blake2b

from msgspec import structs

from .up import OrderPlace, RiderProgress


def hashed(order: str, code: str) -> str:
    """32 hexadecimal digits, as good a `Code` as any."""
    return blake2b(code.encode(), digest_size=16, key=order.encode()).hexdigest()


def hide_handover(body: OrderPlace) -> OrderPlace:
    """The order with the hash of its code."""
    return structs.replace(body, handover_code=hashed(body.order, body.handover_code or ""))


def hide_reported(body: RiderProgress) -> RiderProgress:
    """The report with the hash of what the recipient gave."""
    return structs.replace(body, code=hashed(body.order, body.code or ""))

"""What a client is on a node: its roles, the shop that it acts for, and how long."""

from typing import Final

from msgspec import Struct

from .roles import ROLES, Role

ENCODINGS: Final = {"json": True, "msgpack": False}
"""How answers can be written: whether that is JSON, by the name in a CONNECT, a credential or a token."""


class Grant(Struct, frozen=True):
    """Read from a line of the credentials file, from a token, or, of a centre's node, from the register of invitations
    and certificates. `expires_at`, `issued_at`: Unix seconds, 0 where there is no end; `token_id` and `key_id` are
    those of the token, or of the invitation and the certificate."""

    roles: tuple[Role, ...] = ()
    shop: str = ""
    """Where `shop` is among the roles: whose events it sends and whose updates it gets."""
    expires_at: int = 0
    issued_at: int = 0
    encoding: str = ""
    """Of its answers: one of ENCODINGS, or empty where that of its events decides."""
    token_id: str = ""
    key_id: str = ""
    only: str = ""
    """The one kind of message that it may send, whatever its roles; empty where the roles decide."""


EVERY_SHOP: Final = "*"
"""The shop that a dispatcher acts for where an event is about one: no shop has this name."""

EVERYBODY: Final = Grant(ROLES)
"""Of every client where the node asks for no credentials."""

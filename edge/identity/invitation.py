"""An invitation: the one string with which a node is enrolled at its centre.

    doorstep://NODE@HOST:PORT/CENTRE/FINGERPRINT/CODE

FINGERPRINT is the SHA-256 of the certificate (DER) at the top of the chain that the centre shows, and CODE 128 random
bits; both in base64url without padding, so that a string that was cut short is recognised by its length.
"""

import base64
import re
import secrets
from typing import Final, NamedTuple

from ..errors import DoorstepError
from ..limits import IDENTIFIER_PATTERN

CODE_BYTES: Final = 16
STRING_CHARACTERS_MAX: Final = 512
"""A name, a host and a centre of the greatest length are shorter."""

ADDRESS_PATTERN: Final = r"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+):[0-9]{1,5}"
"""Where a centre can be reached: a name in ASCII, as DNS has it, or an address, with the port."""

_NAME: Final = IDENTIFIER_PATTERN.removeprefix(r"\A").removesuffix(r"\Z")
_FORM: Final = re.compile(
    rf"doorstep://({_NAME})@({ADDRESS_PATTERN})/({_NAME})"
    r"/([A-Za-z0-9_-]{43})/([A-Za-z0-9_-]{22})"
)


class InvitationError(DoorstepError):
    """A string that is no invitation."""

    exit_code = 2


class Invitation(NamedTuple):
    """Who is invited (`node`), where to (`address`, `host:port`; the centre's name), how that is known (`fingerprint`),
    and what shows that the node is meant (`code`, as text)."""

    node: str
    address: str
    centre: str
    fingerprint: bytes
    code: str

    def __str__(self) -> str:
        return f"doorstep://{self.node}@{self.address}/{self.centre}/{_text(self.fingerprint)}/{self.code}"


def parse(text: str) -> Invitation:
    """Raises InvitationError. The string is not quoted in it: it is a secret."""
    found = _FORM.fullmatch(text.strip()) if len(text) <= STRING_CHARACTERS_MAX else None
    if found is None:
        raise InvitationError(
            "This is not an invitation, or not all of it. Copy the whole line that doorstep central invite printed: it "
            "begins with doorstep:// and ends with a code of 22 characters."
        )
    node, address, centre, fingerprint, code = found.groups()
    return Invitation(node, address, centre, base64.urlsafe_b64decode(f"{fingerprint}="), code)


def new_code() -> str:
    """128 random bits."""
    return _text(secrets.token_bytes(CODE_BYTES))


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode("ascii").rstrip("=")

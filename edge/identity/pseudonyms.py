"""Pseudonyms for clients' names, where a text leaves the node: the same person always has the same one.

A pseudonym is a keyed hash (BLAKE2b, RFC 7693). The node makes the key at its first start, in a file of mode 0600 of
its data directory. Without the key nobody finds a name by trying names; at the node `doorstep export` does.
"""

import secrets
from hashlib import blake2b
from pathlib import Path
from typing import Final, Self

from ..errors import InputError

KEY_FILE: Final = "pseudonyms.key"
PSEUDONYM: Final = r"p-[0-9a-f]{20}"
"""80 bits: two of a million people have the same one with a chance of 1 in 10^12."""

KEY: Final = r"[0-9a-f]{64}"
"""What the file has."""


class Pseudonyms:
    """Those of one node."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    @classmethod
    def read(cls, folder: Path) -> Self:
        """With the key in a data directory. Raises InputError where there is none, or it is not readable."""
        path = folder / KEY_FILE
        try:
            return cls(bytes.fromhex(path.read_text(encoding="ascii").strip()))
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or "it is no key"
            hint = f"({why}). Name the data directory of a node that was started, as a user who may read it."
            raise InputError(str(path), None, f"The key of pseudonyms cannot be read {hint}") from None

    def of(self, client: str) -> str:
        """The pseudonym of a client."""
        return f"p-{blake2b(client.encode(), key=self._key, digest_size=10).hexdigest()}"


def new_key() -> str:
    """What a new file has."""
    return secrets.token_hex(32)

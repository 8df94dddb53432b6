"""Settings that a centre pushes to its nodes: what the two agree on.

    down  settings.offer  options in TOML, signed by the authority that has signed the node's certificate
    up    settings.state  what the node has in force, and what became of the last offer

A node reports its state after each welcome and after each change; the centre answers with an offer where another
version is wanted there. An offer may come at any time besides.
"""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Struct

from ..envelope import Milliseconds, Text, Version

SETTINGS_OFFER: Final = "settings.offer"
SETTINGS_STATE: Final = "settings.state"

SETTINGS_CHARACTERS_MAX: Final = 16_384
"""Of the options, in TOML. A file with every option that can be pushed has some 3,000."""

Number = Annotated[int, Meta(ge=0, le=2**53)]
Digest = Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z")]

Outcome = Literal["in_force", "trial", "healthy", "refused", "rolled_back"]
"""What became of a version at a node: it counts since long; it is on trial; it stood its trial; it could not be used;
or its trial ended badly, and the version before it counts again."""


class SettingsOffer(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Version `version` of the settings: `options`, in TOML as in a node's configuration; empty: nothing is pushed any
    more. `signature` is that of `signed_bytes` by the key of `signer`, a certificate (DER)."""

    version: Number
    options: Annotated[str, Meta(max_length=SETTINGS_CHARACTERS_MAX)] = ""
    signature: Annotated[bytes, Meta(max_length=1_024)] = b""
    signer: Annotated[bytes, Meta(max_length=8_192)] = b""
    v: Version = 1


class SettingsState(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is in force at a node: `version` (0: nothing was pushed) with the SHA-256 of its options. `about` is the
    version of which `outcome` and `detail` (a sentence, no free text of a person) are. `at` is the node's clock."""

    at: Milliseconds
    version: Number = 0
    sha256: Digest = ""
    about: Number = 0
    outcome: Outcome = "in_force"
    detail: Text = ""
    v: Version = 1


def signed_bytes(centre: str, version: int, options: str) -> bytes:
    """What the authority signs: the centre's name, the version and the options. Neither a name nor a number has a line
    break."""
    return f"doorstep settings\n{centre}\n{version}\n{options}".encode()


encode: Final = msgspec.msgpack.Encoder().encode
decode_offer: Final = msgspec.msgpack.Decoder(SettingsOffer).decode
decode_state: Final = msgspec.msgpack.Decoder(SettingsState).decode

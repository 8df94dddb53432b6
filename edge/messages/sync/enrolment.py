"""How a node gets its certificate at the centre: what the two agree on.

    up    enrol.request  a certification request; over a session that a certificate has opened, the wish for a new one
    down  enrol.answer   the certificate with what belongs to it, or a refusal

A session that a code of an invitation has opened may send `enrol.request` and nothing else, and that below
`NODE/invited`: whoever has a code that was used has none of the node's answers, places or quota.
"""

from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from ..envelope import Identifier, Milliseconds, Text, Version

ENROL_REQUEST: Final = "enrol.request"
ENROL_ANSWER: Final = "enrol.answer"

REQUEST_BYTES_MAX: Final = 2_048
"""A certification request (PKCS #10) of a P-256 key has some 250."""

PEM_CHARACTERS_MAX: Final = 16_384
"""A certificate of a P-256 key has some 800; an operator's authority may have a larger one."""

INVITED: Final = "/invited"
"""What follows a node's name where only a code speaks for it; no name has a slash."""

Pem = Annotated[str, Meta(max_length=PEM_CHARACTERS_MAX, pattern=r"\A[\x20-\x7e\r\n]*\Z")]


class EnrolRequest(Struct, frozen=True, kw_only=True):
    """`request` is a PKCS #10 certification request (DER) for a P-256 key; its subject does not count. Empty: a new
    certificate for the key that has opened this session. `at` is the node's clock, in Unix ms."""

    id: Identifier
    at: Milliseconds
    request: Annotated[bytes, Meta(max_length=REQUEST_BYTES_MAX)] = b""
    v: Version = 1


class EnrolAnswer(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The answer to the request `id`: the node's certificate, the authority by which it knows the centre (empty: the
    system's), and where its uplink leads. With `refused` (a reason) nothing else counts but `detail`: why, and what to
    do, in sentences."""

    id: Identifier
    certificate: Pem = ""
    authority: Pem = ""
    uplink: Annotated[str, Meta(max_length=300)] = ""
    refused: Text = ""
    detail: Text = ""


encode: Final = msgspec.msgpack.Encoder().encode
decode_request: Final = msgspec.msgpack.Decoder(EnrolRequest).decode
decode_answer: Final = msgspec.msgpack.Decoder(EnrolAnswer).decode

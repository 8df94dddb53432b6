"""A node's conversation with its centre about its first certificate, for `doorstep enroll`.

Twice the same address: first only to see the chain that the centre shows, of which the certificate with the
fingerprint of the invitation becomes the authority; then verified by that, with the code.
"""

import asyncio
import contextlib
import os
import secrets
import socket
import ssl
import time
from hashlib import sha256
from pathlib import Path
from random import SystemRandom
from typing import Any, Final, cast

from ..errors import DoorstepError, InputError
from ..identity.files import open_secret, write_atomic
from ..identity.invitation import Invitation
from ..messages.envelope import topic_down, topic_up
from ..messages.sync.enrolment import (
    ENROL_ANSWER,
    ENROL_REQUEST,
    INVITED,
    EnrolAnswer,
    EnrolRequest,
    decode_answer,
    encode,
)
from ..mqtt.address import split_address
from ..mqtt.client.connection import ClientOptions, ConnectionState, Message, MqttConnection
from .enrolment import FILE_BYTES_MAX, PENDING, Enrolment, Settings, keep

STEP_S_MAX: Final = 10.0
"""For the connection, and for the chain."""

ANSWER_S_MAX: Final = 30.0
"""From the second connection to the answer; the centre may have batches of others to store before."""

_CHAIN_MAX: Final = 10
_TIME: Final = ("expired", "not yet valid")


class EnrolError(DoorstepError):
    """Why a node was not enrolled, and what to do."""


def enroll(data_dir: str | Path, invitation: Invitation) -> Enrolment:
    """Get a certificate and keep it. Raises DoorstepError; where the invitation was not used by it, it stays good."""
    folder = _folder(Path(data_dir))
    authority = _authority(invitation)
    key, request = _request(folder, invitation)
    tls = ssl.create_default_context(cadata=authority)
    tls.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    answer = asyncio.run(_asked(invitation, tls, request))
    if answer.refused:
        raise EnrolError(f"The centre refuses ({answer.refused}). {answer.detail}")
    settings = Settings(
        node=invitation.node, centre=invitation.centre, uplink=answer.uplink, authority=answer.authority
    )
    kept = keep(folder, settings, key, answer.certificate)
    (folder / PENDING).unlink(missing_ok=True)
    return kept


def _folder(path: Path) -> Path:
    """The data directory, made as a node does. Only its owner writes into it: the node could not read the files."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        owner = path.stat().st_uid
    except OSError as error:
        raise InputError(
            str(path), None, f"It cannot be made ({error.strerror}). Run this as the node's user."
        ) from None
    if owner != os.geteuid():
        hint = f"It belongs to the user with number {owner}. Run this as the node's user: sudo -u doorstep doorstep …"
        raise InputError(str(path), None, hint)
    return path


def _request(folder: Path, invitation: Invitation) -> tuple[str, bytes]:
    """The node's new key (PEM), which is on disk before anybody knows of it, and a request for its certificate. One
    that waits there is for the same invitation only: another one is to end a key that may have leaked."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    path, key = folder / PENDING, None
    asked = f"{sha256(invitation.code.encode()).hexdigest()}\n"
    with contextlib.suppress(OSError, ValueError, TypeError), open_secret(path) as file:
        found = file.read(FILE_BYTES_MAX)
        if found.startswith(asked.encode()):
            key = serialization.load_pem_private_key(found, None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        key = ec.generate_private_key(ec.SECP256R1())
    form, nothing = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    text = key.private_bytes(serialization.Encoding.PEM, form, nothing).decode("ascii")
    try:
        write_atomic(path, asked + text)
    except OSError as error:
        raise InputError(str(path), None, f"It cannot be written: {error.strerror}. Free some space.") from None
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, invitation.node)])
    request = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    return text, request.public_bytes(serialization.Encoding.DER)


# -- the centre --------------------------------------------------------------------------------------------------------


def _authority(invitation: Invitation) -> str:
    """The certificate of the invitation's fingerprint (PEM), out of the chain that the centre shows. Raises
    EnrolError."""
    address = invitation.address
    host, port = split_address(address) or ("", 0)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # nothing is believed, and nothing sent
    try:
        with (
            socket.create_connection((host, port), STEP_S_MAX) as plain,
            context.wrap_socket(plain, server_hostname=host) as secured,
        ):
            chain = _shown(secured)
    except ssl.SSLError as error:
        hint = "Check that it is the address of listen_tls."
        raise EnrolError(f"What answers at {address} speaks no TLS ({error.reason}). {hint}") from None
    except (socket.gaierror, UnicodeError) as error:  # (a name with an empty part, or too long a one)
        why = error.strerror if isinstance(error, OSError) else error
        raise EnrolError(f"The name {host} is unknown here ({why}). Check the resolver, and the invitation.") from None
    except OSError as error:
        hint = "Check this box's network, that the centre runs, and its advertised_address and firewall."
        raise EnrolError(f"The centre cannot be reached at {address} ({error.strerror or error}). {hint}") from None
    for certificate in chain[:_CHAIN_MAX]:
        if sha256(certificate).digest() == invitation.fingerprint:
            return ssl.DER_cert_to_PEM_cert(certificate)
    raise EnrolError(
        f"What answers at {address} is not the centre of this invitation: none of its certificates has the "
        "fingerprint. Either something stands between, and then do not go on; or the centre's certificate was changed "
        "since, and then ask for a new invitation. The code was not sent."
    )


def _shown(secured: ssl.SSLSocket) -> list[bytes]:
    """The chain as it came (DER). Public from Python 3.13 on, in a hidden place before."""
    public: Any = getattr(secured, "get_unverified_chain", None)
    if public is not None:
        return list(public())
    hidden: Any = cast(Any, secured)._sslobj
    shown: list[Any] = hidden.get_unverified_chain() or []
    return [ssl.PEM_cert_to_DER_cert(str(each.public_bytes())) for each in shown]


async def _asked(invitation: Invitation, tls: ssl.SSLContext, request: bytes) -> EnrolAnswer:
    """Raises EnrolError."""
    done: asyncio.Future[EnrolAnswer] = asyncio.get_running_loop().create_future()
    node, centre, visitor = invitation.node, invitation.centre, f"{invitation.node}{INVITED}"
    up, down = topic_up(centre, visitor, ENROL_REQUEST), topic_down(centre, visitor, ENROL_ANSWER)
    wish = EnrolRequest(id=secrets.token_hex(8), at=time.time_ns() // 1_000_000, request=request)

    def on_messages(messages: list[Message]) -> None:
        link.acknowledge(messages)
        for message in messages:
            try:
                answer = decode_answer(message.payload)
            except ValueError as error:
                _fail(done, f"The centre's answer cannot be read ({error}). Install the same version at both.")
                return
            if answer.id == wish.id and not done.done():
                done.set_result(answer)

    def on_state(state: ConnectionState) -> None:
        if state is ConnectionState.CONNECTED:
            link.publish(up, encode(wish), on_ack=on_ack)
        elif state is ConnectionState.REFUSED:
            _fail(done, _refusal(node, link.error))
        elif state is ConnectionState.DISCONNECTED:
            _fail(done, f"{link.error} The code stays good: run this again.")

    def on_ack(code: int) -> None:
        if code >= 0x80:
            text = f"The centre could not take the request (MQTT reason {code:#x}); its log has the reason."
            _fail(done, f"{text} The code stays good: run this again.")

    link = MqttConnection(
        f"mqtts://{invitation.address}",
        ClientOptions(
            client_id=f"enroll-{secrets.token_hex(8)}",
            username=node,
            token=invitation.code,
            clean_start=True,
            subscriptions=[(down, 1)],
        ),
        on_messages=on_messages,
        on_state=on_state,
        random=SystemRandom().random,
        tls=tls,
    )
    running = asyncio.ensure_future(link.run())
    try:
        return await asyncio.wait_for(done, ANSWER_S_MAX)
    except TimeoutError:
        text = f"The centre did not answer within {ANSWER_S_MAX:.0f} s; its log has the reason."
        raise EnrolError(f"{text} The code stays good: run this again.") from None
    finally:
        await link.stop()
        running.cancel()


def _fail(done: asyncio.Future[EnrolAnswer], text: str) -> None:
    if not done.done():
        done.set_exception(EnrolError(text))


def _refusal(node: str, error: str) -> str:
    if any(each in error for each in _TIME):
        now = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
        return f"{error} This box's clock shows {now}: where that is wrong, set it, and run this again."
    if "certificate" in error:
        return f"{error} The code was not sent."
    return (
        f"{error} The code of this invitation is unknown there: another has taken its place, it ended long ago, or the "
        f"node was revoked. Ask for a new one: doorstep central invite {node} --expires 7d."
    )

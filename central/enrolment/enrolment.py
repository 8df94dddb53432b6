"""Who may come in by an invitation or a certificate, and the answer to who asks for one.

The event loop asks `invited` and `certified`, the store's thread `answer`, those of the API `states`. Each has its own
connection to the register.
"""

import time
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import Final

import apsw

from edge.limits import WINDOW_AHEAD_S_MAX
from edge.log.events import (
    NODE_ENROLLED,
    NODE_INVITED,
    NODE_REFUSED,
    NODE_RENEWED,
    NODE_RETIRED,
    NODE_REVOKED,
    REGISTER_FAILED,
)
from edge.messages.grants import Grant
from edge.messages.sync.enrolment import ENROL_REQUEST, INVITED, EnrolAnswer, EnrolRequest, decode_request, encode
from edge.mqtt.seam import Publish

from ..config import Config
from .authority import BadRequest, CertificateAuthority, der, ends_ms, key_digest, key_of, pem, requested_key
from .register import Certificate, Invited, Register

CLOCKS_APART_MS_MAX: Final = WINDOW_AHEAD_S_MAX * 1000
"""Between the clocks of node and centre. A node further off would sync windows of another day, and renew too late."""

_CODE_CHARACTERS: Final = 22
_CHANGES: Final = (("invited_until", NODE_INVITED), ("revoked_at", NODE_REVOKED), ("retired_at", NODE_RETIRED))


class Enrolment:
    """One centre's. `folder` is that of `files.prepare`; `trust` is the PEM of the authority by which a node knows the
    centre, empty where that is the system's."""

    def __init__(self, config: Config, folder: Path, authority: CertificateAuthority, trust: str) -> None:
        self._uplink = f"mqtts://{config.advertised_address}"
        self._authority, self._trust = authority, trust
        self._seen, self._issuing, self._listed = (Register(folder) for _ in range(3))
        self._listing = Lock()
        self._known = self._seen.states(_now_ms())

    def close(self) -> None:
        """Close the register. After the last `answer`."""
        self._seen.close()
        self._issuing.close()
        self._listed.close()

    def changed(self) -> bool:
        """Whether somebody may have been revoked since the last call."""
        try:
            found = self._seen.changed()
            if found:
                self._report_changes()
            return found
        except apsw.Error as error:
            REGISTER_FAILED.write(sentence=f"it cannot be read: {error}")
            return False

    def states(self) -> dict[str, dict[str, int]]:
        """`Register.states`, now. From any thread."""
        with self._listing:
            return self._listed.states(_now_ms())

    def _report_changes(self) -> None:
        """What commands have changed: they are other processes, and the log is the centre's."""
        before, self._known = self._known, self._seen.states(_now_ms())
        for name, event in _CHANGES:
            for node, state in self._known.items():
                if name in state and state[name] != before.get(node, {}).get(name):
                    event.write(node=node)

    def knows(self, name: str) -> bool:
        """Whether a node of this name was invited or has a certificate."""
        try:
            return self._seen.knows(name)
        except apsw.Error:  # `invited` and `certified` log it
            return False

    def invited(self, name: str, secret: bytes) -> Grant | None:
        """What somebody with the code of an invitation may: ask, and learn what became of it."""
        if len(secret) != _CODE_CHARACTERS:
            return None
        try:
            found = self._seen.invited(name, secret)
        except apsw.Error as error:
            REGISTER_FAILED.write(sentence=f"it cannot be read: {error}")
            return None
        return Grant(only=ENROL_REQUEST, token_id=found.hash.hex()) if found is not None else None

    def certified(self, name: str, certificate: bytes) -> Grant | str:
        """What a node may be that has shown its certificate (DER), or why it is no good any more."""
        fingerprint = sha256(certificate).digest()
        try:
            found = self._seen.certificate(fingerprint)
            retired = self._seen.retired_at(name)
        except apsw.Error as error:
            REGISTER_FAILED.write(sentence=f"it cannot be read: {error}")
            return "the centre's register cannot be read; its log has the reason"
        if retired:
            return f"{name} was taken out of service on {_day(retired)}; another node needs another name"
        if found is None:
            return f"the centre does not know this certificate of {name} (any more). {_AGAIN}"
        if found.node != name:
            return f"this certificate is that of {found.node}, and not of {name}"
        if found.revoked_at:
            return f"the certificate of {name} was revoked on {_day(found.revoked_at)}. {_AGAIN}"
        if found.ends_at <= _now_ms():
            return f"the certificate of {name} ended on {_day(found.ends_at)} by the centre's clock. {_AGAIN}"
        return Grant(expires_at=found.ends_at // 1000, key_id=fingerprint.hex())

    # -- in the store's thread -----------------------------------------------------------------------------------------

    def answer(self, publish: Publish) -> bytes:
        """The payload of the `enrol.answer` to an `enrol.request`. Raises ValueError where that cannot be read: then
        nothing was issued."""
        node, request = publish.client.removesuffix(INVITED), decode_request(publish.payload)
        try:
            answer = self._decided(self._issuing, node, publish.grant, request)
        except apsw.BusyError:  # somebody has it open in another program; that is no reason to stop
            answer = _refusal(request, "busy", "Another program holds the centre's register. Try again in a minute")
        except apsw.Error as error:  # its disk; sums may be elsewhere, and go on
            REGISTER_FAILED.write(sentence=f"it cannot be written: {error}")
            hint = "Look at its disk, then try again; the code stays good"
            answer = _refusal(request, "disk", f"The centre's register cannot be written ({error}). {hint}")
        if answer.refused:
            NODE_REFUSED.write(node=node, cause=answer.refused, sentence=answer.detail)
        return encode(answer)

    def _decided(self, register: Register, node: str, grant: Grant, request: EnrolRequest) -> EnrolAnswer:
        if grant.only:
            return self._enrolled(register, node, bytes.fromhex(grant.token_id), request)
        if grant.key_id:
            return self._renewed(register, node, bytes.fromhex(grant.key_id), request)
        return _refusal(request, "not_invited", f"{node} is known by its token here. {_AGAIN}")

    def _enrolled(self, register: Register, node: str, hashed: bytes, request: EnrolRequest) -> EnrolAnswer:
        invitation, at = register.waiting(node, hashed), _now_ms()
        if abs(request.at - at) > CLOCKS_APART_MS_MAX:
            text = f"The node's clock shows {_time(request.at)}, the centre's {_time(at)}. Set the one that is wrong"
            return _refusal(request, "clock", f"{text}; the code stays good.")
        try:
            key = requested_key(request.request)
        except BadRequest as error:
            return _refusal(request, "bad_request", f"{error} Install the same version at both.")
        digest = key_digest(key)
        if invitation is not None and invitation.used_at:
            return self._used(register, invitation, digest, request)
        if invitation is None or invitation.ends_at <= at:
            ended = f" on {_time(invitation.ends_at)}" if invitation is not None else ""
            return _refusal(request, "expired", f"The invitation of {node} ended{ended}. {_AGAIN}")
        made = self._authority.sign_node(node, key)
        if not register.enrol(node, hashed, Certificate(node, digest, der(made), ends_ms(made), 0), at):
            return _refusal(request, "used", _USED.format(node=node))
        NODE_ENROLLED.write(node=node, day=_day(ends_ms(made)))
        return self._issued(request, der(made))

    def _used(self, register: Register, invitation: Invited, digest: bytes, request: EnrolRequest) -> EnrolAnswer:
        """The same key again: the answer was lost on its way, and whoever has the key needs no second one."""
        found = register.latest(invitation.node, digest) if invitation.key == digest else None
        if found is None:
            return _refusal(request, "used", _USED.format(node=invitation.node))
        return self._issued(request, found.der)

    def _renewed(self, register: Register, node: str, fingerprint: bytes, request: EnrolRequest) -> EnrolAnswer:
        """A new certificate for the same key, which has opened this session. One that was made for it before and did
        not arrive, or could not be kept, is given again: else each lost answer would push out the one in use."""
        before, at = register.certificate(fingerprint), _now_ms()
        if before is not None:
            newest = register.latest(node, before.key)
            if newest is not None and newest.ends_at > max(before.ends_at, at):
                return self._issued(request, newest.der)
            made = self._authority.sign_node(node, key_of(before.der))
            if register.renew(Certificate(node, before.key, der(made), ends_ms(made), 0), at):
                NODE_RENEWED.write(node=node, day=_day(ends_ms(made)))
                return self._issued(request, der(made))
        return _refusal(request, "revoked", f"The certificate of {node} was revoked. {_AGAIN}")

    def _issued(self, request: EnrolRequest, certificate: bytes) -> EnrolAnswer:
        return EnrolAnswer(id=request.id, certificate=pem(certificate), authority=self._trust, uplink=self._uplink)


_AGAIN: Final = "At the centre, doorstep central invite makes a new invitation"
_USED: Final = (
    "The invitation of {node} was used already. If that was not this box, run doorstep revoke {node} at the centre, "
    "then doorstep central invite"
)


def _refusal(request: EnrolRequest, reason: str, detail: str) -> EnrolAnswer:
    return EnrolAnswer(id=request.id, refused=reason, detail=f"{detail.rstrip('.')}.")


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _day(ms: int) -> str:
    return f"{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%d}"


def _time(ms: int) -> str:
    return f"{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%d %H:%M} UTC"

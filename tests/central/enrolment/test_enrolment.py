"""Who comes in, and what who asks for a certificate is answered; without a socket."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import apsw
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from central.config import Config
from central.enrolment import authority, files, register
from central.enrolment.authority import der, key_digest
from central.enrolment.enrolment import CLOCKS_APART_MS_MAX, Enrolment
from central.enrolment.register import Certificate, Register
from edge.identity.invitation import new_code
from edge.messages.grants import Grant
from edge.messages.sync.enrolment import ENROL_REQUEST, EnrolAnswer, EnrolRequest, decode_answer, encode
from edge.mqtt.seam import Publish
from tests.central.requests import request

DAY_MS = 86_400_000


def now_ms() -> int:
    """The clock's."""
    return time.time_ns() // 1_000_000


class Centre:
    """One that invites, and its register as a command has it."""

    def __init__(self, folder: Path) -> None:
        config = Config(data_dir=str(folder), listen_tls="127.0.0.1:8884", advertised_address="centre.example:8884")
        self.enrolment: Enrolment = files.opened("central.toml", config)
        self.register = Register(folder / files.FOLDER)
        self.key = ec.generate_private_key(ec.SECP256R1())

    def invite(self, node: str = "n-1", *, days: float = 1) -> str:
        code = new_code()
        at = now_ms()
        self.register.invite({node: code}, at - DAY_MS, at + int(days * DAY_MS), replace=True)
        return code

    def by_code(self, code: str, node: str = "n-1") -> Grant:
        """What a session with this code may."""
        grant = self.enrolment.invited(node, code.encode())
        assert grant is not None
        return grant

    def ask(self, grant: Grant, wish: EnrolRequest | None = None, node: str = "n-1") -> EnrolAnswer:
        """The answer to a request."""
        wish = wish or EnrolRequest(id="a", at=now_ms(), request=request(self.key))
        answer = decode_answer(self.enrolment.answer(Publish(node, ENROL_REQUEST, encode(wish), 1, 1, grant)))
        assert answer.id == wish.id
        return answer


@pytest.fixture
def centre(tmp_path: Path) -> Iterator[Centre]:
    made = Centre(tmp_path)
    yield made
    made.enrolment.close()
    made.register.close()


def shown(answer: EnrolAnswer) -> bytes:
    """The certificate of an answer (DER)."""
    return der(x509.load_pem_x509_certificate(answer.certificate.encode()))


def test_a_code_opens_a_session_that_may_only_ask(centre: Centre) -> None:
    """A wrong code, one of another node and any other password open none."""
    code = centre.invite()
    assert centre.by_code(code).only == ENROL_REQUEST
    assert centre.enrolment.invited("n-2", code.encode()) is None
    assert centre.enrolment.invited("n-1", new_code().encode()) is None
    assert centre.enrolment.invited("n-1", b"") is None


def test_an_invited_node_gets_its_certificate_and_comes_in_with_it(centre: Centre) -> None:
    """The name is that of the session, whatever the request has; what belongs to it comes too."""
    grant = centre.by_code(centre.invite())
    wish = EnrolRequest(id="a", at=now_ms(), request=request(centre.key, "somebody-else"))
    answer = centre.ask(grant, wish)
    certificate = shown(answer)
    assert x509.load_der_x509_certificate(certificate).subject.rfc4514_string() == "CN=n-1"
    assert answer.uplink == "mqtts://centre.example:8884"
    assert "BEGIN CERTIFICATE" in answer.authority
    found = centre.enrolment.certified("n-1", certificate)
    assert isinstance(found, Grant)
    assert not found.only
    assert found.expires_at > time.time() + 89 * 86_400
    assert "is that of n-1" in str(centre.enrolment.certified("n-2", certificate))
    assert "does not know" in str(centre.enrolment.certified("n-1", b"another"))


def test_a_lost_answer_is_given_again_and_nobody_elses_key_gets_one(centre: Centre) -> None:
    """The same key gets the same certificate; another one learns that the code was used."""
    grant = centre.by_code(centre.invite())
    first = centre.ask(grant)
    assert centre.ask(grant) == first
    other = EnrolRequest(id="b", at=now_ms(), request=request(ec.generate_private_key(ec.SECP256R1())))
    refusal = centre.ask(grant, other)
    assert refusal.refused == "used"
    assert "doorstep revoke n-1" in refusal.detail
    centre.register.revoke("n-1", now_ms())
    assert centre.ask(grant).refused == "used"


def test_each_refusal_has_what_to_do(centre: Centre) -> None:
    """An end, a clock, a request that is none, a token: by name, and the code is not used by any of them."""
    grant = centre.by_code(centre.invite(days=-0.5))
    assert "doorstep central invite" in centre.ask(grant).detail
    assert centre.ask(grant).refused == "expired"
    grant = centre.by_code(centre.invite())
    for ahead_ms in (-2 * CLOCKS_APART_MS_MAX, 2 * CLOCKS_APART_MS_MAX):
        wish = EnrolRequest(id="a", at=now_ms() + ahead_ms, request=request(centre.key))
        assert centre.ask(grant, wish).refused == "clock"
    assert centre.ask(grant, EnrolRequest(id="a", at=now_ms(), request=b"nothing")).refused == "bad_request"
    assert centre.ask(Grant()).refused == "not_invited"
    assert not centre.ask(grant).refused


def test_a_renewal_keeps_the_key_and_ends_with_a_revocation(centre: Centre) -> None:
    """Old and new certificate are both good; after `revoke` neither is, and no third one is made."""
    first = shown(centre.ask(centre.by_code(centre.invite())))
    grant = centre.enrolment.certified("n-1", first)
    assert isinstance(grant, Grant)
    second = shown(centre.ask(grant, EnrolRequest(id="a", at=now_ms())))
    assert first != second
    assert all(isinstance(centre.enrolment.certified("n-1", each), Grant) for each in (first, second))
    assert centre.register.revoke("n-1", now_ms())
    assert centre.enrolment.changed()
    for each in (first, second):
        assert "was revoked on" in str(centre.enrolment.certified("n-1", each))
    refusal = centre.ask(grant, EnrolRequest(id="a", at=now_ms()))
    assert (refusal.refused, refusal.certificate) == ("revoked", "")


def test_answers_that_a_node_cannot_keep_do_not_end_its_session(
    centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It asks each hour as long as its disk is full, and gets the same certificate; the one in use stays known."""
    with monkeypatch.context() as patch:
        patch.setattr(authority, "NODE_DAYS", 30)
        first = shown(centre.ask(centre.by_code(centre.invite())))
    grant = centre.enrolment.certified("n-1", first)
    assert isinstance(grant, Grant)
    wish = EnrolRequest(id="a", at=now_ms())
    assert len({shown(centre.ask(grant, wish)) for _ in range(2 * register.CERTIFICATES_PER_NODE_MAX)}) == 1
    assert isinstance(centre.enrolment.certified("n-1", first), Grant)


def test_ends_are_named_with_their_day(centre: Centre) -> None:
    """One that has ended by the clock, and a node that was taken out of service."""
    code = centre.invite()
    hashed = bytes.fromhex(centre.by_code(code).token_id)
    ended = Certificate("n-1", key_digest(centre.key.public_key()), b"old", now_ms() - 1, 0)
    assert centre.register.enrol("n-1", hashed, ended, now_ms() - DAY_MS)
    assert "ended on" in str(centre.enrolment.certified("n-1", b"old"))
    assert centre.enrolment.states()["n-1"]["certificate_until"] == ended.ends_at
    centre.register.retire("n-1", now_ms())
    assert "out of service" in str(centre.enrolment.certified("n-1", b"old"))


def test_states_are_asked_from_many_threads(centre: Centre) -> None:
    """As the API does, while nodes come in."""
    code = centre.invite().encode()
    with ThreadPoolExecutor(4) as pool:
        listed = [pool.submit(centre.enrolment.states) for _ in range(200)]
        assert all(centre.enrolment.invited("n-1", code) for _ in range(200))
        assert all(list(each.result()) == ["n-1"] for each in listed)


def test_a_register_that_somebody_holds_is_an_answer(centre: Centre, monkeypatch: pytest.MonkeyPatch) -> None:
    """The node asks again, and the centre goes on."""
    monkeypatch.setattr(register, "BUSY_MS", 10)
    grant = centre.by_code(centre.invite())
    with centre.register.alone():
        assert centre.ask(grant).refused == "busy"
    assert not centre.ask(grant).refused


def test_a_full_disk_under_the_register_is_an_answer(centre: Centre, monkeypatch: pytest.MonkeyPatch) -> None:
    """It ends neither the centre nor the invitation."""
    grant = centre.by_code(centre.invite())

    def fails(*_: object) -> bool:
        raise apsw.FullError("database or disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(Register, "enrol", fails)
        assert "is full" in centre.ask(grant).detail
    assert not centre.ask(grant).refused


def test_what_cannot_be_read_is_malformed(centre: Centre) -> None:
    """A ValueError, which the store's thread counts."""
    with pytest.raises(ValueError, match=r"."):
        centre.enrolment.answer(Publish("n-1", ENROL_REQUEST, b"nothing", 1, 1, Grant(only=ENROL_REQUEST)))

"""The register: a code is good once, and whoever is revoked stays so."""

import threading
from hashlib import sha256
from pathlib import Path

import apsw
import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from central.enrolment.register import (
    CERTIFICATES_PER_NODE_MAX,
    ENDED_KEPT_MS,
    FILE,
    INVITATIONS_MAX,
    Certificate,
    Register,
    RegisterError,
)
from edge.errors import JournalError

DAY_MS = 86_400_000


@pytest.fixture
def register(tmp_path: Path) -> Register:
    """An empty one."""
    return Register(tmp_path)


def certificate(node: str, number: int, ends_at: int = 90 * DAY_MS, key: bytes = b"key") -> Certificate:
    """The fields of one; the bytes differ by its number."""
    return Certificate(node, key, f"{node}-{number}".encode(), ends_at, 0)


def enrolled(register: Register, node: str, number: int = 1, at: int = 0) -> bytes:
    """A node that has used an invitation; the fingerprint of its certificate."""
    register.invite({node: "code"}, at, at + DAY_MS, replace=True)
    found = register.invited(node, b"code")
    assert found is not None
    made = certificate(node, number)
    assert register.enrol(node, found.hash, made, at)
    return sha256(made.der).digest()


def test_a_code_is_known_and_not_kept(tmp_path: Path, register: Register) -> None:
    """Only the right code of the right node finds its invitation; the file does not hold it."""
    register.invite({"n-1": "the-code-of-one", "n-2": "the-code-of-two"}, 0, DAY_MS)
    assert register.invited("n-1", b"the-code-of-one")
    assert not register.invited("n-1", b"the-code-of-two")
    assert not register.invited("n-3", b"the-code-of-one")
    register.close()
    assert all(b"the-code" not in path.read_bytes() for path in tmp_path.iterdir())
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600


def test_a_code_is_used_once(register: Register) -> None:
    """Of many who use it at the same time, one gets its certificate."""
    register.invite({"n-1": "code"}, 0, DAY_MS)
    found = register.invited("n-1", b"code")
    assert found is not None
    assert [register.enrol("n-1", found.hash, certificate("n-1", number), 1) for number in range(3)] == [
        True,
        False,
        False,
    ]
    again = register.invited("n-1", b"code")
    assert again is not None
    assert (again.used_at, again.key) == (1, b"key")


def test_threads_share_one_code(tmp_path: Path) -> None:
    """The same over connections of their own."""
    register = Register(tmp_path)
    register.invite({"n-1": "code"}, 0, DAY_MS)
    found = register.invited("n-1", b"code")
    assert found is not None
    used: list[bool] = []

    def use(number: int) -> None:
        own = Register(tmp_path)
        used.append(own.enrol("n-1", found.hash, certificate("n-1", number), 1))
        own.close()

    threads = [threading.Thread(target=use, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(used) == [False] * 7 + [True]


def test_a_new_enrolment_ends_the_certificates_of_before(register: Register) -> None:
    """They are revoked, and a look from another connection notices."""
    first = enrolled(register, "n-1", 1)
    second = enrolled(register, "n-1", 2, at=5)
    known = [register.certificate(each) for each in (first, second)]
    assert [each.revoked_at for each in known if each is not None] == [5, 0]


def test_who_needs_no_invitation_gets_none_unless_asked(register: Register) -> None:
    """Enrolled, invited and retired nodes are named, and then nobody of the list is invited."""
    enrolled(register, "n-1")
    register.invite({"n-2": "code"}, 0, DAY_MS)
    for name, word in (("n-1", "enrolled"), ("n-2", "has not used")):
        with pytest.raises(RegisterError, match=word):
            register.invite({"n-9": "code", name: "other"}, 1, DAY_MS)
    assert not register.invited("n-9", b"code")
    register.invite({"n-1": "other", "n-2": "other"}, 1, DAY_MS, replace=True)
    register.retire("n-3", 7)
    with pytest.raises(RegisterError, match="out of service"):
        register.invite({"n-3": "code"}, 8, DAY_MS, replace=True)
    assert register.retired_at("n-3") == 7
    register.revoke("n-1", 9)
    register.invite({"n-1": "third"}, 10, DAY_MS)  # a revoked node may come back without a word


def test_a_renewal_needs_a_good_certificate_of_the_same_key(register: Register) -> None:
    """After the revocation there is none, however many there were."""
    enrolled(register, "n-1")
    assert register.renew(certificate("n-1", 2), 1)
    assert not register.renew(certificate("n-1", 3, key=b"other"), 2)
    assert register.latest("n-1", b"key") == certificate("n-1", 2)
    assert register.revoke("n-1", 3)
    assert not register.renew(certificate("n-1", 4), 4)
    assert register.latest("n-1", b"key") is None
    assert not register.revoke("n-1", 5)


def test_what_is_kept_is_bounded(register: Register) -> None:
    """Certificates of one node, invitations that wait, and those that ended."""
    enrolled(register, "n-1")
    for number in range(2, 3 * CERTIFICATES_PER_NODE_MAX):
        assert register.renew(certificate("n-1", number), number)
    known = [
        register.certificate(sha256(f"n-1-{n}".encode()).digest()) for n in range(1, 3 * CERTIFICATES_PER_NODE_MAX)
    ]
    assert len([each for each in known if each]) == CERTIFICATES_PER_NODE_MAX
    assert known[-1] is not None
    register.invite({"n-2": "code"}, 0, DAY_MS)
    register.invite({"n-3": "code"}, ENDED_KEPT_MS + 2 * DAY_MS, ENDED_KEPT_MS + 3 * DAY_MS)
    assert not register.invited("n-2", b"code")
    with pytest.raises(RegisterError, match=str(INVITATIONS_MAX)):
        register.invite({f"m-{number}": "c" for number in range(INVITATIONS_MAX + 1)}, 0, DAY_MS)


def test_changes_of_others_are_noticed_once(tmp_path: Path, register: Register) -> None:
    """Another connection's, not one's own."""
    other = Register(tmp_path)
    register.changed()
    assert not register.changed()
    other.invite({"n-1": "code"}, 0, DAY_MS)
    assert register.changed()
    assert not register.changed()


def test_states_have_what_applies(register: Register) -> None:
    """Of each node, what an operator asks."""
    enrolled(register, "enrolled")
    register.invite({"invited": "code", "late": "code"}, 0, DAY_MS)
    enrolled(register, "revoked")
    register.revoke("revoked", 3)
    register.retire("retired", 4)
    assert register.states(1) == {
        "enrolled": {"certificate_until": 90 * DAY_MS},
        "invited": {"invited_until": DAY_MS},
        "late": {"invited_until": DAY_MS},
        "retired": {"retired_at": 4},
        "revoked": {"revoked_at": 3},
    }
    assert "invited" not in register.states(DAY_MS)


@pytest.mark.parametrize("wrong", ["version", "bytes"])
def test_a_file_of_another_kind_is_named(tmp_path: Path, wrong: str) -> None:
    """A schema that is not ours, or no database."""
    if wrong == "version":
        apsw.Connection(str(tmp_path / FILE)).pragma("user_version", 99)
    else:
        (tmp_path / FILE).write_bytes(b"nothing" * 1_000)
    with pytest.raises(JournalError, match=FILE):
        Register(tmp_path)


class Nodes(RuleBasedStateMachine):
    """One node's life in any order: the model and the register agree on its certificates."""

    def __init__(self) -> None:
        super().__init__()
        import tempfile

        self._folder = tempfile.TemporaryDirectory()
        self.register = Register(Path(self._folder.name))
        self.at = self.number = 0
        self.good: set[bytes] = set()
        self.bad: set[bytes] = set()
        self.retired = False

    @precondition(lambda self: not self.retired)
    @rule()
    def enrol(self) -> None:
        self.at, self.number = self.at + 1, self.number + 1
        made = enrolled(self.register, "n-1", self.number, self.at)
        self.bad |= self.good
        self.good = {made}

    @rule()
    def renew(self) -> None:
        self.at, self.number = self.at + 1, self.number + 1
        made = certificate("n-1", self.number)
        assert self.register.renew(made, self.at) == bool(self.good)
        if self.good:
            self.good.add(sha256(made.der).digest())

    @rule()
    def revoke(self) -> None:
        self.at += 1
        assert self.register.revoke("n-1", self.at) == bool(self.good)
        self.bad |= self.good
        self.good = set()

    @precondition(lambda self: self.number > 3)
    @rule()
    def retire(self) -> None:
        self.at += 1
        self.register.retire("n-1", self.at)
        self.bad |= self.good
        self.good, self.retired = set(), True

    @invariant()
    def agrees(self) -> None:
        """A bad one never becomes good again; of the good ones the newest are known."""
        for fingerprint in self.bad:
            found = self.register.certificate(fingerprint)
            assert found is None or found.revoked_at
        known = [found for each in self.good if (found := self.register.certificate(each)) is not None]
        assert len(known) == min(len(self.good), CERTIFICATES_PER_NODE_MAX)
        assert not any(found.revoked_at for found in known)

    def teardown(self) -> None:
        self.register.close()
        self._folder.cleanup()


TestNodes = Nodes.TestCase
TestNodes.settings = settings(max_examples=15, stateful_step_count=15, deadline=None)

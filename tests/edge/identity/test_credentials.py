"""The file that states who may connect."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from edge.errors import InputError
from edge.identity.credentials import Credentials, Newcomer, remove
from edge.identity.credentials import add as add_all
from edge.messages.grants import Grant

GOOD = f"c1:rider:{'0' * 32}:{'f' * 64}\n"


def add(path: Path, client: str, **how: bool) -> str:
    """One client, a rider."""
    return add_all(path, [Newcomer(client, ("rider",))], **how)[client]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "credentials"


def _file(path: Path, text: str, mode: int = 0o600) -> Path:
    path.write_text(text)
    path.chmod(mode)
    return path


def test_the_token_opens_and_nothing_else_does(path: Path):
    """The token that was shown is good for its client; another one, another's, and none are not."""
    first, second = add(path, "c1"), add(path, "rider-2")
    loaded = Credentials.load(path)
    assert loaded.verify("c1", first.encode())
    assert loaded.verify("rider-2", second.encode())
    for client, token in [("c1", second), ("c1", ""), ("c1", first + "x"), ("c3", first), ("", first), ("C1", first)]:
        assert not loaded.verify(client, token.encode())
    assert list(loaded.clients()) == ["c1", "rider-2"]
    assert len(loaded) == 2


def test_no_token_is_in_the_file(path: Path):
    """The file holds salted hashes only, a new salt each time, and only its owner can read it."""
    token = add(path, "c1")
    before = path.read_text()
    assert token not in before
    assert len(token) >= 43
    add(path, "c1", replace=True)
    assert path.read_text().split(":")[2] != before.split(":")[2]
    assert path.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == ["credentials"]


def test_a_new_token_replaces_the_old_one(path: Path):
    """Only where that is asked for; then only the newer token is good."""
    old = add(path, "c1")
    with pytest.raises(InputError, match="--replace"):
        add(path, "c1")
    assert Credentials.load(path).verify("c1", old.encode())
    new = add(path, "c1", replace=True)
    loaded = Credentials.load(path)
    assert loaded.verify("c1", new.encode())
    assert not loaded.verify("c1", old.encode())


def test_two_tokens_while_one_is_changed(path: Path):
    """Both are good until the older one is removed; a third is refused, and so is a second one of nobody."""
    with pytest.raises(InputError, match="'c1' has no token"):
        add(path, "c1", second=True)
    tokens = [add(path, "c1"), add(path, "c1", second=True)]
    loaded = Credentials.load(path)
    assert len(loaded) == 1
    grants = [loaded.verify("c1", token.encode()) for token in tokens]
    assert grants[0] is not None
    assert grants[0] == grants[1] == loaded.grant("c1")
    assert not loaded.verify("c1", b"x")
    with pytest.raises(InputError, match="--older"):
        add(path, "c1", second=True)
    assert remove(path, "c1", older=True)
    assert not remove(path, "c1", older=True)
    loaded = Credentials.load(path)
    assert [loaded.verify("c1", token.encode()) is not None for token in tokens] == [False, True]


def test_removing(path: Path):
    """A removed client is gone, the others stay; removing it again states that it is not there."""
    add(path, "c1")
    token = add(path, "c2")
    assert remove(path, "c1")
    assert not remove(path, "c1")
    assert list(Credentials.load(path).clients()) == ["c2"]
    assert Credentials.load(path).verify("c2", token.encode())


def test_of_many_who_change_it_at_once_none_is_undone(path: Path):
    """A client that was removed stays out, whoever adds others at the same moment."""
    add_all(path, [Newcomer(f"old-{number}", ["rider"]) for number in range(6)])
    with ThreadPoolExecutor(12) as pool:
        gone = [pool.submit(remove, path, f"old-{number}") for number in range(6)]
        come = [pool.submit(add_all, path, [Newcomer(f"new-{number}", ["rider"])]) for number in range(6)]
        assert all(each.result() for each in [*gone, *come])
    assert list(Credentials.load(path).clients()) == [f"new-{number}" for number in range(6)]


def test_comments_and_empty_lines(path: Path):
    """They are passed over."""
    assert len(Credentials.load(_file(path, f"# tills\n\n{GOOD}"))) == 1


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660, 0o620])
def test_a_file_that_others_can_read_is_refused(path: Path, mode: int):
    """The error explains how to mend it."""
    with pytest.raises(InputError, match=rf"mode {mode:04o}.*chmod 600"):
        Credentials.load(_file(path, GOOD, mode))


@pytest.mark.parametrize(
    ("text", "line", "part"),
    [
        ("c1\n", 1, "client:roles:salt:hash"),
        (f"{GOOD}c2::zz:ff\n", 2, "client:roles:salt:hash"),
        (f"{GOOD}{GOOD}{GOOD}", 3, "earlier line"),
        (f"{GOOD}{GOOD.replace('rider', 'customer')}", 2, "the same roles"),
        (GOOD.replace("c1", "C 1"), 1, "'C 1' is not a client's name"),
        (GOOD.replace("c1", "+"), 1, "not a client's name"),
        (GOOD.replace("c1", ""), 1, "not a client's name"),
        (GOOD.replace("rider", "root"), 1, "'root' is not a role"),
        (GOOD.replace("rider", "shop=a/b"), 1, "not a shop's name"),
        (f"{GOOD}\n{'x' * 10_000_000}", 3, "client:roles:salt:hash"),
        ("c1::é\n", 1, "client:roles:salt:hash"),
    ],
)
def test_broken_lines_are_named(path: Path, text: str, line: int, part: str):
    """The error names file, line and what is wrong."""
    with pytest.raises(InputError) as raised:
        Credentials.load(_file(path, text))
    assert raised.value.line == line
    assert part in str(raised.value)
    assert str(path) in str(raised.value)


def test_too_many_clients(path: Path, monkeypatch: pytest.MonkeyPatch):
    """The file is bounded when read and when written."""
    monkeypatch.setattr("edge.identity.credentials.CREDENTIALS_MAX", 2)
    add(path, "c1")
    add(path, "c2")
    with pytest.raises(InputError, match="holds 2 clients already"):
        add(path, "c3")
    add(path, "c2", replace=True)
    _file(path, path.read_text() + GOOD.replace("c1", "c3"))
    with pytest.raises(InputError, match="More than 2 clients"):
        Credentials.load(path)


def test_no_file(path: Path):
    """A missing file explains how to make one."""
    with pytest.raises(InputError, match="doorstep credential add"):
        Credentials.load(path)
    with pytest.raises(InputError, match="cannot be read"):
        Credentials.load(path.parent)
    with pytest.raises(InputError, match="cannot be written"):
        add(path / "none" / "credentials", "c1")


def test_a_name_that_could_not_be_a_topic_level(path: Path):
    """Nothing is written for a name that no client could connect with."""
    with pytest.raises(InputError, match="not a client's name"):
        add(path, "a/b")
    assert not path.exists()


def test_a_crash_while_writing_leaves_the_old_file(path: Path, monkeypatch: pytest.MonkeyPatch):
    """Where the disk refuses, the file is as before and nothing is left beside it."""
    add(path, "c1")
    before = path.read_bytes()

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InputError, match="No space left on device"):
        add(path, "c2")
    assert path.read_bytes() == before
    assert [entry.name for entry in path.parent.iterdir()] == ["credentials"]


@pytest.mark.parametrize(
    ("roles", "shop", "grant", "written"),
    [
        (("rider",), "", Grant(("rider",)), "rider"),
        (("shop", "customer"), "shop-4", Grant(("customer", "shop"), "shop-4"), "customer,shop=shop-4"),
        (("shop",), "", Grant(("shop",), "C1"), "shop"),
        (("shop",), "C1", Grant(("shop",), "C1"), "shop"),
        ((), "", Grant(), ""),
    ],
)
def test_roles_come_back_from_the_file(path: Path, roles: tuple[str, ...], shop: str, grant: Grant, written: str):
    """A client is what the file makes it; a shop has its client's name where no other is given."""
    token = add_all(path, [Newcomer("C1", roles, shop)])["C1"]
    loaded = Credentials.load(path)
    assert path.read_text().split(":")[1] == written
    assert loaded.verify("C1", token.encode()) == loaded.grant("C1") == grant
    assert loaded.grant("nobody") is None
    assert loaded.shops == ({grant.shop} - {""})


@pytest.mark.parametrize("roles", [(), ("rider", "shop")])
def test_the_encoding_of_answers_comes_back_from_the_file(path: Path, roles: tuple[str, ...]):
    """Beside the roles, and without any; a client with another token keeps it."""
    add_all(path, [Newcomer("c1", roles, "", "msgpack"), Newcomer("c2", roles)])
    add_all(path, [Newcomer("c1", ())], second=True)
    grants = Credentials.load(path).clients()
    assert (grants["c1"].encoding, grants["c2"].encoding) == ("msgpack", "")
    assert grants["c1"].roles == grants["c2"].roles == roles


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (Newcomer("c2", ("root",)), "'root' is not a role"),
        (Newcomer("c2", ("rider",), "shop-4"), "without the role shop"),
        (Newcomer("c2", ("shop",), "a/b"), "not a shop's name"),
        (Newcomer("c2", ("rider",), "", "xml"), "'xml' is no encoding"),
        (Newcomer("c1", ("rider",)), "--replace"),
    ],
)
def test_many_are_added_at_once_or_not_at_all(path: Path, wrong: Newcomer, words: str):
    """One that is wrong, or is named twice, leaves the file as it was."""
    with pytest.raises(InputError, match=words):
        add_all(path, [Newcomer("c1", ("rider",)), wrong])
    assert not path.exists()
    assert list(add_all(path, [Newcomer("c1", ("rider",)), Newcomer("c2", ())])) == ["c1", "c2"]

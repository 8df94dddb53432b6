"""What a node keeps of its enrolment."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from edge.errors import ConfigError, InputError
from edge.identity.certificate import expires_ms
from edge.uplink.enrolment import IDENTITY, SETTINGS, Settings, keep, read, renewed, trusted
from tests.edge.certified import UPLINK, enrolled, pair


def test_what_is_kept_is_read(tmp_path: Path) -> None:
    """Settings, end and fingerprint; both files are for their owner only. Without files there is no enrolment."""
    assert read(tmp_path, "n-1") is None
    made = enrolled(tmp_path, days=60)
    assert read(tmp_path, "n-1") == made
    assert 59.9 < made.days_left <= 60
    assert len(made.fingerprint) == 64
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}


def test_a_renewal_keeps_the_key_and_what_it_cannot_use_changes_nothing(tmp_path: Path) -> None:
    """The new certificate stands with the old key; an answer without one is refused before anything is written."""
    made = enrolled(tmp_path, days=30)
    key = (tmp_path / IDENTITY).read_text().partition("-----BEGIN CERTIFICATE")[0]
    _, certificate = pair(days=90)
    after = renewed(made, certificate, "", "mqtts://elsewhere:1")
    assert read(tmp_path, "n-1") == after
    assert (tmp_path / IDENTITY).read_text() == f"{key.rstrip()}\n{certificate}"
    assert (after.settings.uplink, after.settings.authority) == ("mqtts://elsewhere:1", "")
    before = (tmp_path / IDENTITY).read_bytes()
    with pytest.raises(InputError, match="no certificate"):
        renewed(after, "nothing", "", UPLINK)
    assert (tmp_path / IDENTITY).read_bytes() == before


@pytest.mark.parametrize(
    ("file", "text", "words"),
    [
        (IDENTITY, "nothing", "no key with its certificate"),
        (IDENTITY, "\xff", "it is no text"),
        (SETTINGS, "{", "doorstep enroll"),
        (SETTINGS, '{"node": "n-1", "centre": "No Name", "uplink": ""}', "centre"),
        (SETTINGS, '{"node": "n-2", "centre": "centre", "uplink": ""}', "that of n-2"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(tmp_path: Path, file: str, text: str, words: str) -> None:
    """With what mends it."""
    enrolled(tmp_path)
    (tmp_path / file).write_text(text, encoding="latin-1")
    with pytest.raises(InputError, match=words) as raised:
        read(tmp_path, "n-1")
    assert file in str(raised.value)


def test_a_file_for_others_to_read_is_refused(tmp_path: Path) -> None:
    """A key that others may have read proves nothing."""
    enrolled(tmp_path)
    (tmp_path / IDENTITY).chmod(0o644)
    with pytest.raises(InputError, match="chmod 600"):
        read(tmp_path, "n-1")


def test_a_full_disk_is_named(tmp_path: Path) -> None:
    """What cannot be written is named."""
    key, certificate = pair()
    with pytest.raises(InputError, match=IDENTITY):
        keep(tmp_path / "none", Settings(node="n-1", centre="centre", uplink=UPLINK), key, certificate)


def test_the_uplink_of_an_enrolled_node_needs_tls(tmp_path: Path) -> None:
    """A plain address is refused; without an enrolment there is nothing to make."""
    assert trusted("edge.toml", None, UPLINK, "") is None
    made = enrolled(tmp_path)
    assert trusted("edge.toml", made, UPLINK, "") is not None
    with pytest.raises(ConfigError, match="uplink"):
        trusted("edge.toml", made, "mqtt://127.0.0.1:1", "")


@pytest.mark.parametrize("authority", ["nothing", ""])
def test_an_authority_that_is_none_is_named(tmp_path: Path, authority: str) -> None:
    """And an empty one is the system's."""
    made = enrolled(tmp_path)
    other = replace(made, settings=replace(made.settings, authority=authority))
    if not authority:
        assert other.context("edge.toml").verify_mode
        return
    with pytest.raises(InputError, match="doorstep enroll"):
        other.context("edge.toml")


def test_the_end_is_that_of_the_certificate(tmp_path: Path) -> None:
    """The first of the file's certificates counts."""
    made = enrolled(tmp_path, days=7)
    assert made.ends_ms == expires_ms((tmp_path / IDENTITY).read_text())

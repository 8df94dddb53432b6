"""Tests of edge.service.options: a mistake in a file names the file, the option, the value and a way out."""

from pathlib import Path
from typing import Annotated

import pytest
from msgspec import Meta, Struct

from edge.errors import ConfigError
from edge.service.options import ADDRESSES_MAX, Addresses, absolute, addresses, check_listeners, convert, read

TEMPLATE = "deploy/box.toml"


class Box(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Some options."""

    name: Annotated[str, Meta(pattern="^[a-z]+$")]
    days: Annotated[int, Meta(ge=1)] = 7
    folder: str = "data"
    listen: Addresses = "127.0.0.1:1883"
    listen_tls: Addresses = ""
    tls_cert: str = ""
    tls_key: str = ""
    anonymous: bool = False


def load(path: Path) -> Box:
    """As a process reads its options."""
    hints = {"name": "Use letters."}
    unknown = {"fodler": "Write folder."}
    box = convert(path, read(path, TEMPLATE), Box, TEMPLATE, hints=hints, unknown=lambda name: unknown.get(name, ""))
    check_listeners(path, box, ["listen"], ["listen_tls"])
    return absolute(path, box, ["folder", "tls_cert"])


@pytest.mark.parametrize(
    ("text", "field", "hint"),
    [
        ("", "name", "This field is missing"),
        ("name = ", "the file", "Mend that line"),
        ("name = 'a'\nname = 'b'", "the file", "Mend that line"),
        ("name = 'a'\ndays_kept = 3", "days_kept", "There is no such option. Did you mean days?"),
        ("name = 'a'\nhours = 3", "hours", "There is no such option. deploy/box.toml lists every option"),
        ("name = 'a'\nfodler = 'x'", "fodler", "There is no such option. Write folder."),
        ("name = 7", "name", "A text is expected, not a whole number. Use letters."),
        ("name = 'A'", "name", "Its characters"),
        ("name = 'a'\ndays = 0", "days", "at least 1"),
        ("name = 'a'\nlisten = '1883'", "listen", "host:port"),
        ("name = 'a'\nlisten = '127.0.0.1:70000'", "listen", "host:port"),
        ("name = 'a'\nlisten = ['127.0.0.1:1', '']", "listen", "host:port"),
        (f"name = 'a'\nlisten = {['127.0.0.1:1'] * (ADDRESSES_MAX + 1)}", "listen", "at most 8 items"),
        ("name = 'a'\nanonymous = true\nlisten = ['127.0.0.1:1', '0.0.0.0:1']", "listen", "must be on loopback"),
        ("name = 'a'\nlisten_tls = '0.0.0.0:8883'", "listen_tls", "tls_cert and tls_key"),
        ("name = 'a'\nanonymous = true\nlisten = '0.0.0.0:1883'", "listen", "must be on loopback"),
    ],
)
def test_each_mistake_is_named(tmp_path: Path, text: str, field: str, hint: str) -> None:
    """The file, the option, the value and a hint, and exit code 2."""
    path = tmp_path / "box.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as raised:
        load(path)
    assert (raised.value.path, raised.value.field, raised.value.exit_code) == (str(path), field, 2)
    assert hint in raised.value.hint


@pytest.mark.parametrize(("body", "hint"), [(None, "Copy deploy/box.toml there"), (b"\xff\xfe", "Save it as UTF-8")])
def test_no_file_and_no_text_are_named(tmp_path: Path, body: bytes | None, hint: str) -> None:
    """An error with a way out, not a traceback."""
    if body is not None:
        (tmp_path / "box.toml").write_bytes(body)
    with pytest.raises(ConfigError, match=hint):
        load(tmp_path / "box.toml")


def test_a_byte_order_mark_is_no_error(tmp_path: Path) -> None:
    """Editors of other systems begin a file with one."""
    path = tmp_path / "box.toml"
    path.write_text("name = 'a'\n", encoding="utf-8-sig")
    assert load(path).name == "a"


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    """Those that are empty stay so, and absolute ones are as they were written."""
    path = tmp_path / "box.toml"
    path.write_text("name = 'a'\n", encoding="utf-8")
    assert load(path) == Box(name="a", folder=str(tmp_path / "data"))
    path.write_text("name = 'a'\nfolder = '/var/box'\n", encoding="utf-8")
    assert load(path).folder == "/var/box"


@pytest.mark.parametrize(
    ("text", "found"), [('""', []), ("[]", []), ("'a:1'", ["a:1"]), ("['a:1', 'b:2']", ["a:1", "b:2"])]
)
def test_a_listener_has_any_number_of_addresses(tmp_path: Path, text: str, found: list[str]) -> None:
    """One, several or none."""
    path = tmp_path / "box.toml"
    path.write_text(f"name = 'a'\nlisten = {text}", encoding="utf-8")
    assert addresses(load(path), "listen") == found

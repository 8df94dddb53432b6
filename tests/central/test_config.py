"""The centre's own rules for its options; what every process asks of them is in tests/edge/service/test_options.py."""

from pathlib import Path

import pytest

from central.config import Config, load
from edge.errors import ConfigError

INVITING = "listen_tls = '0.0.0.0:8884'\nadvertised_address = 'centre.example:8884'"


def test_a_centre_that_invites_needs_no_certificate(tmp_path: Path) -> None:
    """It has an authority of its own."""
    assert load(written(tmp_path, INVITING)).advertised_address == "centre.example:8884"


def written(folder: Path, text: str) -> Path:
    """A configuration file."""
    path = folder / "central.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    """An empty file is the defaults, with absolute paths beside it."""
    expected = Config(data_dir=str(tmp_path / "data"), credentials=str(tmp_path / "credentials"))
    assert load(written(tmp_path, "")) == expected


@pytest.mark.parametrize(
    ("text", "field", "hint"),
    [
        ("nmae = 'x'", "nmae", "Did you mean name?"),
        ("quark = 1", "quark", "deploy/central.toml lists every option"),
        ("[name]\nx = 1", "name", "flat"),
        ("[health]\nqualitty = 1", "[health] qualitty", "Did you mean quality?"),
        ("[health]\nquality = -1", "[health] quality", "at least 0"),
        ("health = 3", "health", "flat but for [health]"),
        ("listen = ''", "listen", "listen for no node"),
        ("listen_tls = '0.0.0.0:8884'", "listen_tls", "tls_cert"),
        ("anonymous = true\nlisten = '0.0.0.0:1884'", "listen", "loopback"),
        ("advertised_address = 'centre.example'", "advertised_address", "centre.example:8884"),
        ("advertised_address = 'centre.example:0'", "advertised_address", "centre.example:8884"),
        ("advertised_address = 'my_centre:8884'", "advertised_address", "ASCII letters"),
        ("advertised_address = 'zentrale-münchen.example:8884'", "advertised_address", "xn--"),
        ("advertised_address = 'fe80::1:8884'", "advertised_address", "brackets"),
        ("advertised_address = 'centre.example:8884'", "listen_tls", "0.0.0.0:8884"),
        (f"{INVITING}\nanonymous = true", "anonymous", "no invitation would be looked at"),
        (f"{INVITING}\nca_cert = 'ca.pem'", "ca_key", "name both"),
        (f"{INVITING}\nca_key = 'ca.key'", "ca_cert", "name both"),
        (f"{INVITING}\ntls_cert = 'tls.pem'", "listen_tls", "tls_key"),
        ("api_listen = '8090'", "api_listen", "host:port"),
        ("api_listen = '0.0.0.0:8090'", "api_listen", "api_token_file"),
        ("minutes_kept_days = 0", "minutes_kept_days", "more than 0"),
        ("minutes_kept_days = 100", "hours_kept_days", "at least as long"),
        ("days_kept_days = 50", "days_kept_days", "at least as long"),
        ("timezone = 'Mars/Phobos'", "timezone", "Asia/Shanghai"),
    ],
)
def test_each_mistake_is_named(tmp_path: Path, text: str, field: str, hint: str) -> None:
    """The wrong option, and a hint."""
    with pytest.raises(ConfigError) as raised:
        load(written(tmp_path, text))
    assert raised.value.field == field
    assert hint in raised.value.hint

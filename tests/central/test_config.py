"""A broken configuration names the file, the field, the value and what to write instead."""

import re
from pathlib import Path

import pytest

from central.config import Config, load
from edge.errors import ConfigError

SHIPPED = Path(__file__).parents[2] / "deploy" / "central.toml"


def written(folder: Path, text: str) -> Path:
    path = folder / "central.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    """An empty file is the defaults, with absolute paths beside it."""
    config = load(written(tmp_path, ""))
    assert config.name == "centre"
    assert config.data_dir == str(tmp_path / "data")
    assert config.credentials == str(tmp_path / "credentials")
    assert config.tls_cert == ""


@pytest.mark.parametrize(
    ("text", "field", "hint"),
    [
        ("nmae = 'x'", "nmae", "lists every option"),
        ("listn = 'x'", "listn", "Did you mean listen"),
        ("name = 'Centre 1'", "name", "matching regex"),
        ("name = 7", "name", "Expected `str`"),
        ("[name]\nx = 1", "name", "flat"),
        ("listen = '1884'", "listen", "host:port"),
        ("listen = '127.0.0.1:99999'", "listen", "host:port"),
        ("listen = ''", "listen", "listen for no node"),
        ("listen_tls = '0.0.0.0:8884'", "listen_tls", "tls_cert"),
        ("anonymous = true\nlisten = '0.0.0.0:1884'", "listen", "loopback"),
        ("anonymous = 'yes'", "anonymous", "Expected `bool`"),
        ("api_listen = '0.0.0.0:8090'", "api_listen", "api_token_file"),
        ("retention_days = 0", "retention_days", "> 0"),
        ("log_level = 'loud'", "log_level", "Invalid enum value"),
        ("name = ", "the file", "TOML"),
    ],
)
def test_every_mistake_is_named(tmp_path: Path, text: str, field: str, hint: str) -> None:
    """Each wrong field is refused with its name, its value and a hint."""
    path = written(tmp_path, text)
    with pytest.raises(ConfigError, match=re.escape(hint)) as raised:
        load(path)
    assert raised.value.path == str(path)
    assert raised.value.field == field


def test_a_missing_or_binary_file_is_named(tmp_path: Path) -> None:
    """No file, and a file that is no text, are errors of the same form."""
    with pytest.raises(ConfigError, match=r"deploy/central\.toml"):
        load(tmp_path / "nothing.toml")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="UTF-8"):
        load(tmp_path / "binary.toml")


def test_the_shipped_file_shows_every_option_with_its_default(tmp_path: Path) -> None:
    """deploy/central.toml changes nothing, and names what each option is without it."""
    shipped = SHIPPED.read_text(encoding="utf-8")
    assert load(written(tmp_path, shipped)) == load(written(tmp_path, ""))
    visible = re.sub(r"(?m)^# ([a-z_]+ = )", r"\1", shipped)
    assert load(written(tmp_path, visible)) == load(written(tmp_path, ""))
    for field in Config.__struct_fields__:
        assert re.search(rf"(?m)^# {field} = ", shipped), f"{field} is not in deploy/central.toml"

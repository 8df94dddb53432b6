"""Tests of edge.app.config."""

import pytest

from edge.app.config import RELOADABLE, Config, load
from edge.errors import ConfigError


def write(tmp_path, text: str):
    path = tmp_path / "edge.toml"
    path.write_text(text)
    return path


def test_one_line_is_a_configuration(tmp_path):
    """A node needs nothing but its name; paths are relative to the file."""
    config = load(write(tmp_path, 'node = "shop-7"\n'))
    assert config.node == "shop-7"
    assert config.data_dir == str(tmp_path / "data")
    assert config.rules().node == "shop-7"
    assert config.rules().dispatch.reply_s == config.reply_s


def test_every_dispatch_rule_is_an_option_with_the_same_default():
    """The defaults of the configuration are those of the core, so a test of the one speaks for the other."""
    config = Config(node="n")
    assert config.rules().dispatch == type(config.rules().dispatch)()


@pytest.mark.parametrize(
    ("text", "field", "hint"),
    [
        ("", "node", "missing"),
        ('node = "Shop 7"', "node", "lower-case"),
        ('node = "n"\nlisten = 1883', "listen", "Expected `str`"),
        ('node = "n"\nlisten = "1883"', "listen", "host:port"),
        ('node = "n"\nlisten = "127.0.0.1:70000"', "listen", "host:port"),
        ('node = "n"\nlisten_tls = "0.0.0.0:8883"', "listen_tls", "tls_cert"),
        ('node = "n"\nlisten = ""', "listen", "hear nobody"),
        ('node = "n"\nanonymous = true\nlisten = "0.0.0.0:1883"', "listen", "loopback"),
        ('node = "n"\nstatus_listen = "0.0.0.0:80"', "status_listen", "loopback"),
        ('node = "n"\nuplink = "http://x"', "uplink", "mqtt://"),
        ('node = "n"\nk_anonymity = 1', "k_anonymity", ">= 2"),
        ('node = "n"\nretention_days = 0', "retention_days", "> 0"),
        ('node = "n"\ncrs = "bd09"', "crs", "Invalid enum value"),
        ('node = "n"\nretention = 3', "retention", "Did you mean retention_days?"),
        ('node = "n"\n[mqtt]\nport = 1', "mqtt", "flat"),
        ('node = "n"\nnode = "m"', "the file", "Mend that line"),
        ('node = "n"\nclock_wall_anchor_ms = 5', "clock_real_anchor_ms", "both anchors"),
    ],
)
def test_a_broken_configuration_says_what_to_mend(tmp_path, text, field, hint):
    """The error names the file, the field, the value and a hint, and asks for exit code 2."""
    path = write(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert caught.value.field == field
    assert hint in str(caught.value)
    assert str(path) in str(caught.value)
    assert caught.value.exit_code == 2


def test_a_missing_file_says_where_to_get_one(tmp_path):
    """No file is an error with a hint, not a traceback."""
    with pytest.raises(ConfigError, match=r"Copy deploy/edge\.toml"):
        load(tmp_path / "none.toml")


def test_reloadable_options_exist():
    """What is said to be reloadable is an option."""
    assert set(Config.__struct_fields__) >= RELOADABLE

"""Tests of central.alerts.receivers: each mistake in a table [[alert]] is named, and a secret is never in the file."""

from pathlib import Path

import pytest

from central.alerts.receivers import ALARMS, secret
from central.config import load
from edge.errors import ConfigError

OPS = 'name = "ops"\nurl = "https://hooks.example/a"\nsecret_file = "ops.secret"\n'
WECOM = 'name = "team"\ntemplate = "wecom"\nsecret_file = "team.key"\n'
KEY = "0a1b2c3d-1111-2222-3333-444455556666"
SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="


def written(folder: Path, *tables: str, head: str = "") -> Path:
    """A configuration with these receivers."""
    path = folder / "central.toml"
    path.write_text(head + "".join(f"[[alert]]\n{table}" for table in tables), encoding="utf-8")
    return path


def test_a_receiver_has_defaults_that_suit_it(tmp_path: Path) -> None:
    """All alarms; robots have the address that their makers give them, and paths are relative to the file."""
    ops, team = load(written(tmp_path, OPS, WECOM)).alert
    assert (ops.alarms, ops.template, ops.secret_file) == ([*ALARMS], "standard", str(tmp_path / "ops.secret"))
    assert team.url == "https://qyapi.weixin.qq.com/cgi-bin/webhook/send"


@pytest.mark.parametrize(
    ("tables", "field", "hint"),
    [
        ([OPS.replace('name = "ops"', "")], "[[alert]] name", 'name = "ops"'),
        ([OPS, OPS], "[[alert]] name", "name of its own"),
        ([OPS.replace("https:", "http:")], "[[alert]] ops: url", "on|this machine"),
        ([OPS.replace("https://", "https://u:p@")], "[[alert]] ops: url", "https://"),
        ([OPS.replace("secret_file", "#")], "[[alert]] ops: secret_file", "whsec_"),
        ([WECOM.replace("secret_file", "#")], "[[alert]] team: secret_file", "key="),
        ([WECOM + 'url = "https://x.example/send?key=abc"'], "[[alert]] team: url", "secret_file"),
        ([WECOM + "per_minute = 21"], "[[alert]] team: per_minute", "20"),
        ([OPS + 'alarms = ["smoke"]'], "[[alert]] alarms", "stalled"),
        ([OPS + "alarms = []"], "[[alert]] alarms", "at least 1"),
        ([OPS + 'template = "slack"'], "[[alert]] template", "dingtalk"),
        ([OPS + 'link = "javascript:1"'], "[[alert]] ops: link", "console"),
        ([OPS + "colour = 1"], "[[alert]] colour", "no such option"),
        ([OPS.replace("ops", f"r{number}") for number in range(9)], "[[alert]]", "8 receivers"),
    ],
)
def test_each_mistake_is_named(tmp_path: Path, tables: list[str], field: str, hint: str) -> None:
    """The receiver, the option, and what to write; the key in an address is not shown again."""
    with pytest.raises(ConfigError) as raised:
        load(written(tmp_path, *tables))
    assert raised.value.field == field
    assert any(each in raised.value.hint for each in hint.split("|"))
    assert "key=abc" not in str(raised.value)


@pytest.mark.parametrize("text", ["alert = 1", "[alert]\nname = 'x'", "alert = ['x']"])
def test_what_is_no_table_is_named(tmp_path: Path, text: str) -> None:
    """The form has two pairs of brackets."""
    with pytest.raises(ConfigError, match=r"\[\[alert\]\]"):
        load(written(tmp_path, head=text))


@pytest.mark.parametrize(
    ("template", "text", "found"),
    [
        ("standard", SECRET, (SECRET, "")),
        ("standard", KEY, None),
        ("wecom", KEY, (KEY, "")),
        ("wecom", f"{KEY} SEC0123456789abcdef", None),
        ("wecom", f"https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key={KEY}", None),
        ("dingtalk", KEY, (KEY, "")),
        ("dingtalk", f"{KEY} SEC0123456789abcdef", (KEY, "SEC0123456789abcdef")),
        ("dingtalk", f"{KEY} 0123456789abcdef", None),
    ],
)
def test_secrets_have_the_form_of_their_template(
    tmp_path: Path, template: str, text: str, found: tuple[str, str] | None
) -> None:
    """What cannot be one is refused at the start, not by the receiver at three in the morning."""
    (receiver,) = load(written(tmp_path, OPS + f'template = "{template}"')).alert
    path = tmp_path / "ops.secret"
    path.touch(0o600)
    path.write_text(text)
    if found is None:
        with pytest.raises(ConfigError, match="ops: secret_file"):
            secret("central.toml", receiver)
        return
    made = secret("central.toml", receiver)
    assert (made.text, made.signing) == found


def test_a_secret_that_others_may_read_is_refused(tmp_path: Path) -> None:
    """As for every secret of a centre."""
    (receiver,) = load(written(tmp_path, OPS)).alert
    (tmp_path / "ops.secret").write_text(SECRET)
    (tmp_path / "ops.secret").chmod(0o644)
    with pytest.raises(ConfigError, match="chmod 600"):
        secret("central.toml", receiver)

"""Tests of central.alerts.target: what a real receiver gets in each form, and what its answer means."""

import base64
import hmac
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from standardwebhooks import Webhook

from central.alerts.alerts import style_of
from central.alerts.notice import Notice
from central.alerts.target import ROBOT_WAIT_S, Target, dingtalk_sign
from central.config import load
from edge.service.webhook import Result
from tests.central.alerts.receiver import Receiver

KEY = "0a1b2c3d-1111-2222-3333-444455556666"
SIGNING = "SEC0123456789abcdef0123456789abcdef"
WHSEC = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
NOTICE = Notice("centre", 1_767_225_600_000, is_test=True)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver().listening() as made:
        yield made


def config_of(folder: Path, *tables: str) -> Path:
    """A centre with these receivers."""
    path = folder / "central.toml"
    path.write_text("".join(tables))
    return path


async def pushed(folder: Path, table: str) -> Result:
    path = config_of(folder, table)
    config = load(path)
    target = Target(str(path), config.alert[0])
    try:
        return await target.push(NOTICE, style_of(config, config.alert[0]), "alert_1", datetime.now(UTC))
    finally:
        await target.close()


async def test_a_webhook_is_signed(receiver: Receiver, tmp_path: Path) -> None:
    """The specification's own library verifies it."""
    assert (await pushed(tmp_path, receiver.table(tmp_path, secret=WHSEC))).fate == "delivered"
    (got,) = receiver.got
    assert Webhook(WHSEC).verify(got.body, got.headers)["type"] == "alert.test"
    assert got.id == "alert_1"
    assert got.query == {}


async def test_the_robot_of_wecom_gets_its_key(receiver: Receiver, tmp_path: Path) -> None:
    """In the address, as its makers want it."""
    assert (
        await pushed(tmp_path, receiver.table(tmp_path, secret=KEY, template="wecom", per_minute=20))
    ).fate == "delivered"
    (got,) = receiver.got
    assert got.query == {"key": KEY}
    assert got.content["msgtype"] == "markdown"


async def test_the_robot_of_dingtalk_gets_its_signature(receiver: Receiver, tmp_path: Path) -> None:
    """Of time and secret, with the secret; without one there is none."""
    for secret in (f"{KEY} {SIGNING}", KEY):
        table = receiver.table(tmp_path, secret=secret, template="dingtalk", per_minute=20)
        assert (await pushed(tmp_path, table)).fate == "delivered"
    signed, plain = receiver.got
    assert plain.query == {"access_token": KEY}
    at = signed.query["timestamp"]
    assert abs(int(at) / 1000 - datetime.now(UTC).timestamp()) < 600
    expected = hmac.digest(SIGNING.encode(), f"{at}\n{SIGNING}".encode(), "sha256")
    assert base64.b64decode(signed.query["sign"]) == expected
    assert signed.query["sign"] == dingtalk_sign(at, SIGNING)


@pytest.mark.parametrize(
    ("answer", "fate", "wait_s"),
    [
        ({"errcode": 0, "errmsg": "ok"}, "delivered", 0),
        ({"errcode": 45009, "errmsg": "api freq out of limit"}, "unreachable", ROBOT_WAIT_S),
        ({"errcode": 130101, "errmsg": "send too fast"}, "unreachable", ROBOT_WAIT_S),
        ({"errcode": -1, "errmsg": "system busy"}, "unreachable", ROBOT_WAIT_S),
        ({"errcode": 93000, "errmsg": f"invalid webhook url {KEY}\x07"}, "refused", 0),
        ({"ok": True}, "refused", 0),
    ],
)
async def test_the_answer_of_a_robot_has_what_became_of_it(
    receiver: Receiver, tmp_path: Path, answer: dict, fate: str, wait_s: float
) -> None:
    """The status is 200 in any case. What is shown of it has no key and no control characters."""
    receiver.answer = lambda _: (200, json.dumps(answer).encode())
    result = await pushed(tmp_path, receiver.table(tmp_path, secret=KEY, template="wecom", per_minute=20))
    assert (result.fate, result.wait_s) == (fate, wait_s)
    assert KEY not in result.why
    assert result.why.isprintable()


async def test_a_robot_that_is_not_there(receiver: Receiver, tmp_path: Path) -> None:
    """The status counts where it is no 2xx, and where nobody listens."""
    receiver.answer = lambda _: (502, b"")
    table = receiver.table(tmp_path, secret=KEY, template="wecom", per_minute=20)
    assert (await pushed(tmp_path, table)).fate == "unreachable"
    table = receiver.table(tmp_path, secret=KEY, url="http://127.0.0.1:1/")
    result = await pushed(tmp_path, table.replace("[[alert]]", '[[alert]]\ntemplate = "wecom"').replace("60", "20"))
    assert result.fate == "unreachable"
    assert KEY not in result.why

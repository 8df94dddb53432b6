"""Sends messages to one receiver, in its form: a signed webhook, or a robot of WeCom or DingTalk, and reads the answer.

Robots answer 200 whatever they think of a message; `errcode` is what became of it. DingTalk's signed robots want the
time (Unix ms) and the HMAC-SHA256 of time and secret in the address.
"""

import base64
import hmac
import ssl
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final

import msgspec

from edge.identity.certificate import client_context
from edge.service.webhook import Poster, Result, signed, signers

from .notice import Notice, Style, body
from .receivers import Receiver, Secret, secret

ROBOT_WAIT_S: Final = 60.0
"""Robots that were asked too often want to be left alone for a minute."""

_LATER: Final = frozenset((-1, 45009, 45033, 90030, 130101))
"""Codes of a robot that is busy, or was asked too often."""


class Target:
    """Of one receiver. `read` reads its secret, also again. Raises ConfigError where a file cannot be used."""

    def __init__(self, path: str, receiver: Receiver) -> None:
        self.receiver, self._path = receiver, path
        self._secret = self._read()
        tls: ssl.SSLContext | None = None
        if receiver.url.startswith("https:"):
            tls, _ = client_context(path, f"[[alert]] {receiver.name}: ca", receiver.ca)
        self._poster = Poster(receiver.url, "doorstep-alerts", tls)

    def _read(self) -> Secret:
        return secret(self._path, self.receiver)

    def read(self) -> None:
        """Read the secret again; one that cannot be used leaves the old one. Raises ConfigError."""
        self._secret = self._read()

    async def push(self, notice: Notice, style: Style, name: str, now: datetime) -> Result:
        """One attempt of the message that is called `name`. Never raises for anything that the other side can do."""
        text = body(notice, style)
        if style.template == "standard":
            words = signers(self._path, "secret_file", self.receiver.secret_file, self._secret.text)
            return self._clean(await self._poster.post(text, signed(words, name, now, text)))
        result = await self._poster.post(text, {}, self._query(now))
        return self._clean(_of_robot(result) if result.fate == "delivered" else result)

    def _query(self, now: datetime) -> Mapping[str, str]:
        key = self._secret.text
        if self.receiver.template == "wecom":
            return {"key": key}
        if not self._secret.signing:
            return {"access_token": key}
        at = str(int(now.astimezone(UTC).timestamp() * 1000))
        return {"access_token": key, "timestamp": at, "sign": dingtalk_sign(at, self._secret.signing)}

    def _clean(self, result: Result) -> Result:
        """Without the secret, in case that somebody's words quote the address."""
        why = result.why
        for each in (*self._secret.text.split(), self._secret.signing):
            why = why.replace(each, "…") if each else why
        return result._replace(why="".join(each if each.isprintable() else " " for each in why)[:200])

    async def close(self) -> None:
        """Drop what is under way."""
        await self._poster.close()


def dingtalk_sign(at: str, secret: str) -> str:
    """What DingTalk expects in the address (it is encoded there): base64 of HMAC-SHA256 of `at`, a line feed and the
    secret, with the secret as the key."""
    digest = hmac.new(secret.encode(), f"{at}\n{secret}".encode(), sha256).digest()
    return base64.b64encode(digest).decode()


class _Answer(msgspec.Struct):
    errcode: int
    errmsg: str = ""


def _of_robot(result: Result) -> Result:
    try:
        answer = msgspec.json.decode(result.body, type=_Answer)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Result("refused", "its answer has no errcode: is url the address of a robot?")
    if answer.errcode == 0:
        return Result("delivered")
    why = f"it answered errcode {answer.errcode}: {answer.errmsg}"
    if answer.errcode in _LATER:
        return Result("unreachable", why, ROBOT_WAIT_S)
    return Result("refused", why)

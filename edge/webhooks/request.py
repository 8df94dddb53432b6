"""One message as a request, signed after the Standard Webhooks specification, and what its answer means.

POST <url>
webhook-id: msg_<data directory>_<sequence>   the same at every attempt
webhook-timestamp: <Unix seconds>             of this attempt
webhook-signature: v1,<base64> …              HMAC-SHA256 of id.timestamp.body, one for each secret

{"type": "update", "timestamp": "2026-01-01T10:00:00Z", "data": {"node": …, "client": …, "message": {…}}}
"""

import asyncio
import base64
import binascii
import re
import ssl
from datetime import UTC, datetime
from typing import Final, Literal, NamedTuple

import httpx
import msgspec
from standardwebhooks import Webhook

from ..errors import ConfigError
from ..messages.envelope import loose
from .outbox import Message

REQUEST_S_MAX: Final = 15.0
"""A request, from the connection to the last byte of its answer that is read."""

ANSWER_BYTES_MAX: Final = 4_096
"""Of an answer: its status is what counts."""

RETRY_AFTER_S_MAX: Final = 3_600.0
"""The longest Retry-After that is heeded."""

SECRET_BYTES: Final = (24, 64)
"""What the specification asks for."""

_SECRET: Final = re.compile(r"whsec_([A-Za-z0-9+/]+={0,2})")
_LATER: Final = frozenset((408, 425, 429, 502, 503, 504))

Fate = Literal["delivered", "unreachable", "failed", "refused"]
"""`unreachable`: nobody is there, or it asks for time; `failed`: it answered 5xx; `refused`: it does not want it (3xx,
4xx)."""


class Result(NamedTuple):
    """What became of an attempt. `wait_s` is what the receiver asks for."""

    fate: Fate
    why: str = ""
    wait_s: float = 0.0


class Target:
    """The receiver."""

    def __init__(self, url: str, secrets: list[Webhook], node: str, instance: str, tls: ssl.SSLContext | None) -> None:
        self.url, self.secrets = url, secrets
        self._node, self._instance = node, instance
        self._client = httpx.AsyncClient(
            verify=tls if tls is not None else False,
            timeout=REQUEST_S_MAX,
            follow_redirects=False,
            trust_env=False,
            limits=httpx.Limits(max_connections=16, max_keepalive_connections=4),
            headers={"user-agent": "doorstep-webhooks", "content-type": "application/json"},
        )

    async def push(self, message: Message, now: datetime) -> Result:
        """One attempt. Never raises for anything that the other side can do."""
        name, body = f"msg_{self._instance}_{message.sequence}", self.body(message)
        headers = {
            "webhook-id": name,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": " ".join(each.sign(name, now, body) for each in self.secrets),
        }
        try:
            async with (
                asyncio.timeout(REQUEST_S_MAX),
                self._client.stream("POST", self.url, content=body.encode(), headers=headers) as answer,
            ):
                size = 0
                async for part in answer.aiter_raw(ANSWER_BYTES_MAX):
                    size += len(part)
                    if size >= ANSWER_BYTES_MAX:
                        break
                return _result(answer)
        except TimeoutError:
            return Result("unreachable", f"no answer within {REQUEST_S_MAX:g} s")
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            # The words of a ValueError may quote the message.
            words = "" if isinstance(error, ValueError) else f": {error}"
            return Result("unreachable", f"{type(error).__name__}{words}"[:200])

    def body(self, message: Message) -> str:
        """The same at every attempt."""
        at = datetime.fromtimestamp(message.at_ms / 1000, UTC).isoformat(timespec="milliseconds")
        data = {"node": self._node, "client": message.client, "message": loose(message.payload)}
        content = {"type": message.kind, "timestamp": at.replace("+00:00", "Z"), "data": data}
        return msgspec.json.encode(content).decode()

    async def close(self) -> None:
        """Drop what is under way."""
        await self._client.aclose()


def _result(answer: httpx.Response) -> Result:
    status = answer.status_code
    if 200 <= status < 300:
        return Result("delivered")
    asked = answer.headers.get("retry-after", "")
    wait_s = min(float(asked), RETRY_AFTER_S_MAX) if re.fullmatch("[0-9]{1,6}", asked) else 0.0
    why = f"it answered {status}"
    if status in _LATER:
        return Result("unreachable", why, wait_s)
    return Result("failed" if status >= 500 else "refused", why, wait_s)


def signers(config_path: str, option: str, path: str, text: str) -> list[Webhook]:
    """The secrets in the text of a file: one, or two for the time of a change. Raises ConfigError."""
    found: list[Webhook] = []
    for word in text.split():
        match = _SECRET.fullmatch(word)
        try:
            key = base64.b64decode(match[1] + "==") if match is not None else b""
        except binascii.Error:
            key = b""
        if not SECRET_BYTES[0] <= len(key) <= SECRET_BYTES[1]:
            hint = "It holds no secret: write whsec_ and 24 to 64 random bytes in base64, or two of them with a space."
            raise ConfigError(config_path, option, path, hint)
        found.append(Webhook(key))
    if not 1 <= len(found) <= 2:
        raise ConfigError(config_path, option, path, "One secret is needed, or two while they change.")
    return found

"""What the webhooks of a node and the alerts of a centre share: one POST and what its answer means, the signature of
the Standard Webhooks specification, and for how long to wait after a failure.

webhook-id: <the same at every attempt>
webhook-timestamp: <Unix seconds>             of this attempt
webhook-signature: v1,<base64> …              HMAC-SHA256 of id.timestamp.body, one for each secret
"""

import asyncio
import base64
import binascii
import re
import ssl
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final, Literal, NamedTuple

import httpx
from standardwebhooks import Webhook

from ..errors import ConfigError

REQUEST_S_MAX: Final = 15.0
"""A request, from the connection to the last byte of its answer that is read."""

ANSWER_BYTES_MAX: Final = 4_096
"""Of an answer: its status is what counts, and at most a few fields."""

RETRY_AFTER_S_MAX: Final = 3_600.0
"""The longest Retry-After that is heeded."""

REFUSALS_MAX: Final = 6
"""Attempts of a message that the receiver refuses: over about a minute."""

AGE_S_MAX: Final = 24 * 3600.0
"""A message that nobody took by then is given up: it is news to nobody."""

RETRY_S: Final = 1.0
RETRY_S_MAX: Final = 300.0
"""The wait after the first failed attempt, and the longest; each is twice the one before, and half of it is random."""

SECRET_BYTES: Final = (24, 64)
"""What the specification asks for."""

_SECRET: Final = re.compile(r"whsec_([A-Za-z0-9+/]+={0,2})")
_LATER: Final = frozenset((408, 425, 429, 502, 503, 504))

Fate = Literal["delivered", "unreachable", "failed", "refused"]
"""`unreachable`: nobody is there, or it asks for time; `failed`: it answered 5xx; `refused`: it does not want it (3xx,
4xx)."""


class Result(NamedTuple):
    """What became of an attempt. `wait_s` is what the receiver asks for, `body` the beginning of its answer."""

    fate: Fate
    why: str = ""
    wait_s: float = 0.0
    body: bytes = b""


class Poster:
    """Sends to one receiver. `agent` is what we call ourselves there."""

    def __init__(self, url: str, agent: str, tls: ssl.SSLContext | None) -> None:
        self.url = url
        self._client = httpx.AsyncClient(
            verify=tls if tls is not None else False,
            timeout=REQUEST_S_MAX,
            follow_redirects=False,
            trust_env=False,
            limits=httpx.Limits(max_connections=16, max_keepalive_connections=4),
            headers={"user-agent": agent, "content-type": "application/json"},
        )

    async def post(self, body: str, headers: Mapping[str, str], query: Mapping[str, str] | None = None) -> Result:
        """One attempt; `query` is added to the address. Never raises for anything that the other side can do."""
        try:
            url = httpx.URL(self.url)
            url = url.copy_merge_params(query) if query else url
            async with (
                asyncio.timeout(REQUEST_S_MAX),
                self._client.stream("POST", url, content=body.encode(), headers=headers) as answer,
            ):
                found = bytearray()
                async for part in answer.aiter_raw(ANSWER_BYTES_MAX):
                    found += part
                    if len(found) >= ANSWER_BYTES_MAX:
                        break
                return _result(answer)._replace(body=bytes(found[:ANSWER_BYTES_MAX]))
        except TimeoutError:
            return Result("unreachable", f"no answer within {REQUEST_S_MAX:g} s")
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            # The words of a ValueError may quote the message.
            words = "" if isinstance(error, ValueError) else f": {error}"
            return Result("unreachable", f"{type(error).__name__}{words}"[:200])

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


def signed(secrets: Sequence[Webhook], name: str, now: datetime, body: str) -> dict[str, str]:
    """The headers of a message that is called `name`."""
    return {
        "webhook-id": name,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(each.sign(name, now, body) for each in secrets),
    }


def backoff_s(failures: int, random: Callable[[], float]) -> float:
    """How long to wait after so many failures, one after another. `random` gives 0 to 1."""
    longest = min(RETRY_S * 2 ** min(failures - 1, 16), RETRY_S_MAX)
    return longest * (1 + random()) / 2


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

"""One message as a request, signed after the Standard Webhooks specification.

POST <url>
webhook-id: msg_<data directory>_<sequence>   the same at every attempt

{"type": "update", "timestamp": "2026-01-01T10:00:00Z", "data": {"node": …, "client": …, "message": {…}}}
"""

import ssl
from datetime import UTC, datetime

import msgspec
from standardwebhooks import Webhook

from ..messages.envelope import loose
from ..service.webhook import Poster, Result, signed
from .outbox import Message


class Target:
    """The receiver."""

    def __init__(self, url: str, secrets: list[Webhook], node: str, instance: str, tls: ssl.SSLContext | None) -> None:
        self.secrets = secrets
        self._node, self._instance = node, instance
        self._poster = Poster(url, "doorstep-webhooks", tls)

    async def push(self, message: Message, now: datetime) -> Result:
        """One attempt. Never raises for anything that the other side can do."""
        name, body = f"msg_{self._instance}_{message.sequence}", self.body(message)
        return await self._poster.post(body, signed(self.secrets, name, now, body))

    def body(self, message: Message) -> str:
        """The same at every attempt."""
        at = datetime.fromtimestamp(message.at_ms / 1000, UTC).isoformat(timespec="milliseconds")
        data = {"node": self._node, "client": message.client, "message": loose(message.payload)}
        content = {"type": message.kind, "timestamp": at.replace("+00:00", "Z"), "data": data}
        return msgspec.json.encode(content).decode()

    async def close(self) -> None:
        """Drop what is under way."""
        await self._poster.close()

"""The client of a Doorstep node: events that reach it whatever the network does, and its answers.

async with Client("mqtt://127.0.0.1:1883", node="shop-1", name="phone-7", token="…") as client:
    receipt = await client.send("order.place", order="o-1", shop="s-1", pickup=here, dropoff=there)
    async for answer in client.answers():
        print(answer.kind, answer.body)

The node's promise holds for whoever does three things, and this package does them: it keeps an event until its receipt
has come, it sends it again with the same id, and it acknowledges an answer only when it has been dealt with.
"""

from .client import Client
from .errors import ClientError, NotConnected, OutboxFull, Refused
from .messages import Answer, Event, Receipt

__all__ = ["Answer", "Client", "ClientError", "Event", "NotConnected", "OutboxFull", "Receipt", "Refused"]

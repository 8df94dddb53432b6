"""What can go wrong, in sentences: the thing, its value, and what to do next."""


class ClientError(Exception):
    """Every error of this package."""


class NotConnected(ClientError):
    """There is no connection within the time that was given for it; the sentence has the last reason."""


class OutboxFull(ClientError):
    """As many events wait for their receipts as the outbox holds. Nothing was taken."""


class Refused(ClientError):
    """The node refused an event for good and sent no receipt for it. `code` is the reason code of its PUBACK."""

    def __init__(self, event: str, kind: str, code: int) -> None:
        super().__init__(
            f"The node refused event {event} ({kind}) with MQTT reason code {code:#x} and no receipt. "
            "Check the kind, the client's role, and the size of the event."
        )
        self.code = code

"""The gauges of the links: the node's own endpoint, and the broker in broker mode."""

from typing import TYPE_CHECKING

from ..health.status import Value
from ..mqtt.server.endpoint import Endpoint

if TYPE_CHECKING:
    from ..mqtt.client.broker import Broker


def link_gauges(endpoint: Endpoint | None, broker: "Broker | None") -> dict[str, dict[str, Value]]:
    """The section `link` of the status."""
    values: dict[str, Value] = {}
    if endpoint is not None:
        values.update(
            connections=endpoint.connections,
            sessions=endpoint.registry.count,
            takeovers=endpoint.registry.takeovers,
            connects_refused=endpoint.registry.connects_refused,
            connections_refused=endpoint.connections_refused,
            slow_readers=endpoint.slow_readers,
            answers_oversized=endpoint.answers_skipped,
            accept_pauses=endpoint.shortage.pauses,
            listeners_paused=endpoint.shortage.paused,
        )
    if broker is not None:
        values.update(
            connected=broker.link.connected,
            session_present=broker.link.session.session_present,
            sessions_lost=broker.link.session.sessions_lost,
            reconnects=broker.link.reconnects,
            answers_unheld=broker.unheld,
            answers_refused=broker.refused,
            answers_oversized=broker.oversized,
            error=broker.link.error or None,
        )
    return {"link": values}

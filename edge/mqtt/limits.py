"""The bounds that the server and the client of MQTT share, each with its reason. Pure."""

from typing import Final

RECEIVE_MAX: Final = 512
"""QoS 1 publishes in flight from one client, announced in CONNACK. 512 saturated the bare probe of the endpoint."""

IN_FLIGHT_TO_CLIENT_MAX: Final = 64
"""Answers sent and not yet acknowledged in one session; the rest wait in the core, not in a socket buffer."""

CONNECT_DEADLINE_S: Final = 10.0
"""From the accepted socket to a complete CONNECT, TLS and WebSocket handshakes included."""

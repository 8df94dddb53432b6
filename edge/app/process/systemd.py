"""The notifications of a systemd service of `Type=notify`: ready, alive, stopping. Without systemd none are sent.

The protocol is a datagram to the socket named in NOTIFY_SOCKET (sd_notify(3)).
"""

import os
import socket


def ready(text: str) -> None:
    """The node accepts events."""
    _send(f"READY=1\nSTATUS={text}")


def watchdog() -> None:
    """The event loop runs. Sent whenever the status is sampled, well within any sensible WatchdogSec."""
    _send("WATCHDOG=1")


def stopping() -> None:
    """The node stops as requested."""
    _send("STOPPING=1")


def _send(text: str) -> None:
    path = os.environ.get("NOTIFY_SOCKET")
    if not path:
        return
    address = "\0" + path[1:] if path.startswith("@") else path
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as datagrams:
        try:
            datagrams.connect(address)
            datagrams.send(text.encode())
        except OSError:
            return  # the service manager is gone

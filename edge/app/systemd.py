"""What systemd wants to hear from a service of `Type=notify`: ready, alive, stopping. Silent without systemd.

The protocol is a datagram to the socket named in NOTIFY_SOCKET (sd_notify(3)).
"""

import os
import socket


def ready(text: str) -> None:
    """The node takes events."""
    _send(f"READY=1\nSTATUS={text}")


def watchdog() -> None:
    """The event loop turns. Sent as often as the status is sampled, well within any sensible WatchdogSec."""
    _send("WATCHDOG=1")


def stopping() -> None:
    """The node is on its way out, on purpose."""
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
            return  # the service manager went away; there is nobody to tell

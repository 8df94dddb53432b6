"""Tests of edge.app.process.systemd."""

import socket

from edge.app.process import systemd


def test_the_service_manager_is_notified_of_every_step(tmp_path, monkeypatch):
    """Ready, alive and stopping arrive as datagrams at the socket that systemd names."""
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(path)
        manager.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", path)
        systemd.ready("all is well")
        systemd.watchdog()
        systemd.stopping()
        assert manager.recv(100) == b"READY=1\nSTATUS=all is well"
        assert manager.recv(100) == b"WATCHDOG=1"
        assert manager.recv(100) == b"STOPPING=1"


def test_without_systemd_nothing_happens(tmp_path, monkeypatch):
    """Without a socket, or with one that is gone, nothing is sent, and that is no error."""
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    systemd.ready("x")
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "gone"))
    systemd.watchdog()

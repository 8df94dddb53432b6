"""The HTTP server of those who play the other side."""

import urllib.request

import pytest

from bench.lab.http_server import Answered, Asked, LocalServer


def test_it_answers_as_it_is_asked_to() -> None:
    """A request with its path, headers in lower case and body; the status, headers and body that are wanted."""
    seen: list[Asked] = []

    def answer(asked: Asked) -> Answered:
        seen.append(asked)
        return Answered(201, b"taken", {"X-More": "1"})

    with LocalServer(answer) as server:
        request = urllib.request.Request(f"http://127.0.0.1:{server.port}/a?b=1", b"body", {"X-Own": "y"})
        for asked in (request, f"http://127.0.0.1:{server.port}/c"):
            with urllib.request.urlopen(asked, timeout=20) as found:
                assert (found.status, found.headers["x-more"], found.read()) == (201, "1", b"taken")
    assert [(each.path, each.body) for each in seen] == [("/a?b=1", b"body"), ("/c", b"")]
    assert seen[0].headers["x-own"] == "y"


def test_its_port_is_its_own_before_and_free_afterwards() -> None:
    """Nobody else gets it before it answers; the next one may have the same."""
    first = LocalServer(lambda _: Answered(204))
    with pytest.raises(OSError, match="in use"):
        LocalServer(lambda _: Answered(204), first.port)
    first.close()
    with LocalServer(lambda _: Answered(204), first.port) as second:
        assert second.port == first.port

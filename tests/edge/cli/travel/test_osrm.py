"""What a routing service may answer."""

import pytest

from edge.cli.travel.osrm import ANSWER_BYTES_MAX, durations
from edge.errors import DoorstepError
from edge.scenarios.dispatch.travel.table import UNKNOWN
from tests.edge.cli.travel.osrm_server import osrm

PLACES = [(52.5, 13.4), (52.51, 13.41)]


def test_durations_are_whole_seconds() -> None:
    """Unknown where there is no way, or none that a table can have."""
    with osrm() as service:
        assert durations(service.url + "/", "car", PLACES, PLACES[1:]) == [[1414], [0]]
        service.body = b'{"code": "Ok", "durations": [[null, 12.6], [-1, 1e9]]}'
        assert durations(service.url, "car", PLACES, PLACES) == [[UNKNOWN, 13], [UNKNOWN, UNKNOWN]]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"<html>", "something else than a table"),
        (b'{"code": "NoSegment", "message": "none near"}', "NoSegment: none near"),
        (b'{"code": "Ok", "durations": [[1]]}', "another size"),
        (b" " * (ANSWER_BYTES_MAX + 1), "more than 4 MB"),
    ],
)
def test_what_is_no_answer_is_refused(body: bytes, words: str) -> None:
    """With what came instead."""
    with osrm() as service:
        service.body = body
        with pytest.raises(DoorstepError, match=words):
            durations(service.url, "car", PLACES, PLACES)


def test_nobody_there() -> None:
    """With how to go on."""
    with osrm() as service:
        pass
    with pytest.raises(DoorstepError, match="Run the same command again"):
        durations(service.url, "car", PLACES, PLACES)

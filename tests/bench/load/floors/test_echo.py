"""The bare echo."""

import pytest

from bench.load.floors.echo import ECHO, answer_topic
from edge.messages.envelope import topic_down, topic_up


@pytest.mark.parametrize("client", ["till-0", "a", "x" * 64])
def test_an_order_comes_back_where_the_node_would_answer(client: str) -> None:
    """The echo's topic is that of an assignment to the same client."""
    assert answer_topic(topic_up(ECHO, client, "order.place")) == topic_down(ECHO, client, "assignment")

"""What a row has to explain to people."""

import pytest

from edge.scenarios.explain import outcome


@pytest.mark.parametrize(
    ("receipt", "text"),
    [
        (None, "a repeat: its first receipt was sent again"),
        ({"status": "accepted", "price": 7}, "accepted at 7"),
        ({"status": "refused", "reason": "too_late"}, "refused as too_late"),
        ({"status": "refused", "reason": "too_late", "detail": "gone"}, "refused as too_late (gone)"),
    ],
)
def test_what_became_of_an_event(receipt, text):
    """A repeat, an acceptance in the words of its scenario, or a refusal with its reason."""
    assert outcome(receipt, lambda receipt: f"accepted at {receipt['price']}") == text

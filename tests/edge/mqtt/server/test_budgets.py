"""Tests of edge.mqtt.server.budgets: what a connection, and an address, may cost."""

import pytest

from edge.mqtt.server import budgets
from edge.mqtt.server.budgets import FAILED_CONNECTS_BURST, FAILED_CONNECTS_PER_S, Budget, FailedConnects
from edge.mqtt.server.connection import WORK_PER_PUBLISH


def test_a_budget():
    """It refills with time up to its burst, grows with each publish, and is never below minus one burst."""
    budget = Budget(10, 2, 0.0)
    assert budget.spend(9, 0.0)
    assert not budget.spend(1, 0.0)
    assert budget.wait_s == 0.5
    assert budget.spend(0, 0.5)
    assert budget.spend(-WORK_PER_PUBLISH, 0.5)
    assert budget.left == 9
    assert budget.spend(0, 100.0)
    assert budget.left == 10
    assert not budget.spend(1_000, 100.0)
    assert budget.left == -10


@pytest.mark.parametrize(
    ("fails", "comes", "admitted"),
    [
        ("192.0.2.7", "192.0.2.7", False),
        ("192.0.2.7", "192.0.2.8", True),
        ("2001:db8::1", "2001:db8::ffff", False),  # one sender has a whole /64
        ("2001:db8::1", "2001:db8:0:1::1", True),
        ("127.0.0.1", "127.0.0.1", True),
        ("::1", "::1", True),
        ("", "", True),
    ],
)
def test_an_address_that_fails_too_often_is_not_accepted_from(fails, comes, admitted):
    """Beyond the burst nobody comes in from it until something has come back; loopback and others are untouched."""
    failed = FailedConnects()
    for number in range(FAILED_CONNECTS_BURST):
        assert failed.admits(comes, 0.0), number
        failed.charge(fails, 0.0)
    assert failed.admits(comes, 0.0) is admitted
    assert failed.admits(comes, 1 / FAILED_CONNECTS_PER_S)


def test_addresses_are_bounded(monkeypatch):
    """The one that has failed longest ago is forgotten."""
    monkeypatch.setattr(budgets, "ADDRESSES_MAX", 2)
    monkeypatch.setattr(budgets, "FAILED_CONNECTS_BURST", 1)
    failed = FailedConnects()
    for host in ("192.0.2.1", "192.0.2.2", "192.0.2.1", "192.0.2.3"):
        failed.charge(host, 0.0)
    assert [failed.admits(f"192.0.2.{number}", 0.0) for number in (1, 2, 3)] == [False, True, False]

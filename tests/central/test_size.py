"""`doorstep size`: estimates grow with what they are made of, and name where their constants come from."""

from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from central.size import BUSY_ORDERS, KEPT_DAYS, NODE_DAY, SMALL_ORDERS, amount, need, size


def test_what_was_measured_comes_out_as_it_was() -> None:
    """A small and a busy node need what they needed in the measurement."""
    for which, orders in enumerate((SMALL_ORDERS, BUSY_ORDERS)):
        found = need(1, orders)
        for tier, days in KEPT_DAYS.items():
            assert abs(found.kept[tier] / days / NODE_DAY[tier][which] - 1) < 0.001


@given(st.integers(1, 10**6), st.integers(1, 10**6))
def test_more_nodes_and_more_orders_need_more(nodes: int, orders: int) -> None:
    """Nothing shrinks with the fleet."""
    found = need(nodes, orders)
    for other in (need(nodes + 1, orders), need(nodes, orders + 1)):
        assert other.batches_per_s >= found.batches_per_s
        assert other.collectors >= found.collectors
        assert all(other.kept[tier] >= found.kept[tier] for tier in KEPT_DAYS)
    assert found.collectors == 1 or found.store == "PostgreSQL"


def test_the_estimate_is_for_people() -> None:
    """Collectors, tiers, growth, bandwidth, and the source."""
    result = CliRunner().invoke(size, ["--nodes", "1000000", "--orders-per-day", "500"])
    assert result.exit_code == 0
    for word in ("PostgreSQL", "minutes", "hours", "days", "uplink", "Mbit/s", "doorstep bench central"):
        assert word in result.output


def test_amounts_are_short() -> None:
    """Three digits and a unit."""
    amounts = [amount(count) for count in (0, 999, 1500, 7_210_000, 10**15)]
    assert amounts == ["0 B", "999 B", "1.5 kB", "7.21 MB", "1 PB"]

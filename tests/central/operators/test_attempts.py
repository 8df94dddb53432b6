"""Attempts at passwords are bounded by name and by address, and in memory."""

from hypothesis import given
from hypothesis import strategies as st

from central.operators.attempts import ADDRESS_BURST, KNOWN_MAX, NAME_BURST, Attempts, network


def test_a_name_waits_after_its_failures_wherever_they_come_from() -> None:
    """After a burst the name waits, half a minute for each attempt; another name from elsewhere does not."""
    attempts = Attempts()
    for number in range(NAME_BURST):
        assert attempts.wait_s("mei", f"10.0.0.{number}", 0.0) == 0
        attempts.failed("mei", f"10.0.0.{number}", 0.0)
    wait_s = attempts.wait_s("mei", "10.9.9.9", 0.0)
    assert 0 < wait_s <= 30
    assert attempts.wait_s("mei", "10.9.9.9", wait_s + 0.1) == 0
    assert attempts.wait_s("wang", "10.9.9.9", 0.0) == 0


def test_an_address_waits_after_its_failures_whatever_the_names() -> None:
    """Trying one password for many names is bounded as well."""
    attempts = Attempts()
    for number in range(ADDRESS_BURST):
        attempts.failed(f"name-{number}", "10.0.0.1", 0.0)
    assert attempts.wait_s("other", "10.0.0.1", 0.0) > 0
    assert attempts.wait_s("other", "10.0.0.2", 0.0) == 0


@given(st.lists(st.tuples(st.integers(0, 9), st.floats(0, 100)), max_size=300))
def test_guesses_of_one_name_are_bounded_over_any_time(tries: list[tuple[int, float]]) -> None:
    """However they are spread, no more than the burst and what has come back."""
    attempts, now, done = Attempts(), 0.0, 0
    for address, pause in tries:
        now += pause
        if not attempts.wait_s("mei", str(address), now):
            attempts.failed("mei", str(address), now)
            done += 1
    assert done <= NAME_BURST + now / 30 + 1


def test_memory_is_bounded() -> None:
    """A flood of names costs a bounded number of entries."""
    attempts = Attempts()
    for number in range(2 * KNOWN_MAX):
        attempts.failed(f"n{number}", f"a{number}", 0.0)
    assert len(attempts._budgets) <= KNOWN_MAX


def test_a_network_of_version_6_is_one_sender() -> None:
    """Its /64; an address of version 4 stands for itself."""
    assert network("2001:db8:1:2:3::4") == network("2001:db8:1:2::9") != network("2001:db8:1:3::1")
    assert network("10.0.0.1") == "10.0.0.1"
    assert network("") == ""

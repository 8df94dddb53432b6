"""Lengths of time as an operator types them for the centre's commands."""

import click
import pytest

from central.cli_options import seconds_of


@pytest.mark.parametrize(("text", "seconds"), [("1m", 60), ("12h", 43_200), ("7d", 604_800), ("30d", 2_592_000)])
def test_a_number_with_its_unit_is_a_time(text: str, seconds: int) -> None:
    """Minutes, hours, days, up to the most that the option allows."""
    assert seconds_of(text, "--expires", 30) == seconds


@pytest.mark.parametrize("text", ["", "7", "d", "0d", "31d", "-1d", "1.5h", "7 d", "1w", "1000000m"])
def test_anything_else_is_refused_with_an_example(text: str) -> None:
    """The option is named."""
    with pytest.raises(click.BadParameter, match="of at most 30d: 7d") as error:
        seconds_of(text, "--expires", 30)
    assert error.value.param_hint == "--expires"

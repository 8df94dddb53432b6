"""Numbers, times and lengths of time, as people read them."""

import pytest

from central.console.render import Renderer, amount, data, milliseconds, number, percent, span


@pytest.mark.parametrize(
    ("seconds", "english", "chinese"),
    [
        (None, "–", "–"),
        (5, "5 s", "5 秒"),
        (130, "2 min", "2 分钟"),
        (7300, "2 h", "2 小时"),
        (200_000, "2 days", "2 天"),
    ],
)
def test_a_length_of_time_has_its_unit(seconds: float | None, english: str, chinese: str) -> None:
    """In both languages."""
    assert span(seconds, "en") == english
    assert span(seconds, "zh") == chinese


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "–"), (7, "7 ms"), (1500, "1.5 s"), (99_999, "100.0 s"), (150_000, "2.5 min"), (7_200_000, "2 h")],
)
def test_milliseconds_become_what_is_read_easily(value: float | None, text: str) -> None:
    """From milliseconds to hours."""
    assert milliseconds(value, "en") == text


def test_numbers_are_readable() -> None:
    """Thousands, shares, bytes, and data for an attribute."""
    assert (number(1234567), number(None)) == ("1,234,567", "–")
    assert (percent(0.9876), percent(None)) == ("98.8 %", "–")
    assert (amount(999), amount(1_500), amount(2.5e9)) == ("999 B", "1.5 kB", "2.5 GB")
    assert data({"a": [1, None, "中"]}) == '{"a":[1,null,"中"]}'


def test_times_are_those_of_the_centre() -> None:
    """In its time zone, to the second."""
    assert Renderer("Asia/Shanghai").at(1_767_225_600_000) == "2026-01-01 08:00:00"
    assert Renderer("UTC").at(None) == "–"

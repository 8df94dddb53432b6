"""The script with SQLite: what it has taken over is there after a restart."""

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from bench.peers import plain_script
from bench.peers.plain_script import busy, riders, waiting
from bench.peers.sqlite_script import Store
from tests.bench.peers.test_plain_script import Message, delivered, order, shift


def forget() -> None:
    """The script's state is its module's: a new process has none."""
    riders.clear()
    busy.clear()
    waiting.clear()


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    forget()
    yield
    forget()


def real_day() -> list[Message]:
    """Twenty orders for four riders, who deliver what they have, now and then."""
    dice = Random(1)
    messages = [shift(f"r{number}", number * 0.3) for number in range(4)]
    has: dict[str, str] = {}
    for message in messages:
        plain_script.handle(*message)
    for number in range(40):
        free = dice.choice(sorted(has)) if has and number % 2 else ""
        messages.append(delivered(free, has.pop(free)) if free else order(number, dice.random()))
        if answer := plain_script.handle(*messages[-1]):
            has[answer[0].partition("/")[0]] = answer[1]["order"]
    forget()
    return messages


@pytest.mark.parametrize("size", [1, 7, 100])
def test_a_restart_after_any_batch_changes_nothing(tmp_path: Path, size: int) -> None:
    """State and answers of a whole day are the same, whether it restarts after each batch or never; and those of the
    plain script."""
    messages = real_day()
    answers = []
    for begin in range(0, len(messages), size):
        forget()
        store = Store(str(tmp_path / "orders.sqlite3"))
        store.restore()
        answers += store.take(messages[begin : begin + size])
        store.database.close()
    state = dict(riders), set(busy), list(waiting)
    forget()
    assert answers == [answer for message in messages if (answer := plain_script.handle(*message))]
    assert state == (riders, busy, waiting)


def test_what_comes_twice_is_taken_once_and_what_may_have_left_is_sent_again(tmp_path: Path) -> None:
    """A second order of a name, and a second delivery, do nothing; an order under way is answered after a restart."""
    path = str(tmp_path / "orders.sqlite3")
    first = Store(path).take([shift("r1", 1.0), order(1, 1.0), order(1, 1.0), order(2, 1.0)])
    assert [where for where, _ in first] == ["r1/receipt", "r1/assignment"]
    forget()
    store = Store(path)
    assert store.restore() == first[1:]
    assert [one["order"] for one in waiting] == ["o2"]
    done = delivered("r1", "o1")
    assert [body["order"] for _, body in store.take([done, done])] == ["o2"]
    assert busy == {"r1"}

"""Webhooks of a real node at a real HTTP server that fails, hangs, goes away; and through kills of the node."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bench.lab.settings import write_private
from bench.lab.site import Site
from tests.edge.webhooks.receiver import OTHER, SECRET, Receiver
from tests.phone import Phone, place, site
from tests.waiting import wait_until


@contextmanager
def pushing(folder: Path, receiver: Receiver, *clients: str, **options: Any) -> Iterator[Site]:
    """A node that pushes to the receiver."""
    write_private(folder / "hooks.secret", SECRET + "\n")
    with site(folder, *clients, webhook_url=receiver.url, webhook_secret_file="hooks.secret", **options) as made:
        yield made


def orders(phone: Phone, *numbers: int) -> None:
    """Orders that are placed, and taken back."""
    for number in numbers:
        assert place(phone, number) == 0
    for number in numbers:
        assert phone.send("order.cancel", id=f"cancel-{number}", order=f"o-{number}") == 0


def test_updates_arrive_signed_and_in_sequence(tmp_path: Path) -> None:
    """One for each client that the node sends one to, customer and shop; nothing but the chosen kinds."""
    with Receiver().listening() as receiver, pushing(tmp_path, receiver, "alice", "shop-1") as made:
        alice = Phone("alice", made.port, made.tokens["alice"])
        orders(alice, 1, 2, 3)
        wait_until(lambda: len(receiver.taken) >= 9)
        for number in (1, 2, 3):
            assert receiver.states(f"o-{number}", "shop-1") == ["placed", "cancelled"]
            assert receiver.states(f"o-{number}", "alice") == ["cancelled"]
        assert {each.type for each in receiver.taken} == {"update"}
        assert receiver.forged == 0
        wait_until(lambda: made.status()["webhooks"]["delivered"] == 9)
        assert made.status()["webhooks"]["waiting"] == 0


def test_nothing_is_lost_when_the_node_is_killed(tmp_path: Path) -> None:
    """Killed again and again while orders come and the receiver fails every third request: each update arrives at
    least once, and in its order's sequence."""
    receiver = Receiver()
    receiver.answer = lambda number, _: 500 if number % 3 == 0 else 204
    with receiver.listening(), pushing(tmp_path, receiver, "alice") as made:
        for turn in range(4):
            phone = Phone("alice", made.port, made.tokens["alice"])
            orders(phone, *range(10 * turn, 10 * turn + 10))
            phone.drop()
            made.node.kill()
            made.node.start()
        wait_until(lambda: len(receiver.taken) >= 120, seconds=60)
        for number in range(40):
            assert receiver.states(f"o-{number}", "shop-1") == ["placed", "cancelled"], number
            assert receiver.states(f"o-{number}", "alice") == ["cancelled"], number
        assert len(receiver.taken) == 120
        assert len({each.id for each in receiver.taken}) == 120


def test_a_receiver_that_is_away_gets_everything_when_it_is_back(tmp_path: Path) -> None:
    """Through a restart of the node, too; meanwhile decisions are as quick as ever, and the status names it."""
    receiver = Receiver()
    with receiver.listening():
        pass
    with pushing(tmp_path, receiver, "alice") as made:
        alice = Phone("alice", made.port, made.tokens["alice"])
        orders(alice, *range(20))
        wait_until(lambda: made.status()["webhooks"]["attempts_failed"])
        section = made.status()["webhooks"]
        assert (section["delivered"], section["dead"]) == (0, 0)
        assert "ConnectError" in section["error"]
        alice.close()
        made.node.stop()
        made.node.start()
        with receiver.listening():
            wait_until(lambda: len(receiver.taken) == 60, seconds=60)
            for number in range(20):
                assert receiver.states(f"o-{number}", "shop-1") == ["placed", "cancelled"]


def test_a_receiver_that_hangs_is_in_nobodys_way(tmp_path: Path) -> None:
    """Orders are decided while every request hangs; a stop of the node does not wait for it."""
    receiver = Receiver()
    receiver.answer = lambda _n, _m: (time.sleep(30), 204)[1]
    with receiver.listening(), pushing(tmp_path, receiver, "alice") as made:
        alice = Phone("alice", made.port, made.tokens["alice"])
        orders(alice, *range(20))
        assert made.status()["webhooks"]["in_flight"] == 8
        assert made.status()["counts"]["accepted"] == 40
        assert made.node.stop() == 0


def test_a_dead_letter_is_counted_and_named(tmp_path: Path) -> None:
    """What is refused again and again goes, and what comes after it arrives."""
    receiver = Receiver()
    receiver.answer = lambda _n, content: 400 if content["data"]["client"] == "shop-1" else 204
    with receiver.listening(), pushing(tmp_path, receiver, "alice") as made:
        alice = Phone("alice", made.port, made.tokens["alice"])
        assert place(alice, 1) == 0
        wait_until(lambda: made.status()["webhooks"]["dead"], seconds=90)
        assert "about o-1" in made.status()["webhooks"]["dead_lately"]
        assert "webhooks_dead" in {each["name"] for each in made.status()["problems"]}


def test_a_secret_changes_without_a_restart(tmp_path: Path) -> None:
    """Two of them for a while, by SIGHUP; a file that is none changes nothing."""
    with Receiver().listening() as receiver, pushing(tmp_path, receiver, "alice", webhook_kinds=["receipt"]) as made:
        alice = Phone("alice", made.port, made.tokens["alice"])
        for number, secrets, known in ((1, f"{SECRET} {OTHER}", OTHER), (2, OTHER, OTHER), (3, "none", OTHER)):
            write_private(tmp_path / "hooks.secret", secrets)
            lines = made.node.log.read_text(encoding="utf-8").count("reloaded")
            made.node.send_signal(signal.SIGHUP)
            wait_until(lambda lines=lines: made.node.log.read_text(encoding="utf-8").count("reloaded") > lines)
            receiver.secret = known
            assert place(alice, number) == 0
            wait_until(lambda number=number: len(receiver.taken) == number)
        assert receiver.forged == 0
        assert [each.type for each in receiver.taken] == ["receipt"] * 3


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"webhook_url": "http://app.example/"}, "webhook_url"),
        ({"webhook_url": "ftp://127.0.0.1/"}, "webhook_url"),
        ({"webhook_url": "https://a:b@app.example/"}, "webhook_url"),
        ({"webhook_url": "https:///hooks"}, "webhook_url"),
        ({"webhook_url": "https://app.example/"}, "webhook_secret_file"),
        ({"webhook_url": "https://app.example/", "webhook_secret_file": "missing"}, "webhook_secret_file"),
        ({"webhook_url": "https://app.example/", "webhook_secret_file": "x", "webhook_kinds": []}, "webhook_kinds"),
        (
            {"webhook_url": "https://a.example/", "webhook_secret_file": "x", "webhook_kinds": ["place"]},
            "webhook_kinds",
        ),
    ],
)
def test_what_cannot_be_used_stops_the_start(tmp_path: Path, options: dict[str, Any], named: str) -> None:
    """With the option, the value and what to write."""
    made = Site(tmp_path).configure(["alice"], options, centre=False)
    ended = made.command("edge", "--config", f"{made.folder}/edge.toml")
    assert ended.returncode == 2
    assert named in ended.stderr

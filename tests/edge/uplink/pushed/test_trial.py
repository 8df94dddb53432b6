"""Offers and trials without a centre: what is refused, tried, kept, and gone back from."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edge.errors import ConfigError
from edge.messages.batches import SYNC_WELCOME
from edge.messages.sync.settings import SETTINGS_OFFER, SettingsOffer, SettingsState, decode_state, encode
from edge.uplink.pushed import state, trial
from edge.uplink.pushed.state import Kept, Version
from edge.uplink.pushed.trial import Settings
from edge.uplink.pushed.verify import Question, SignatureError
from tests.repo.project import ROOT

GOOD = Version(3, "retention_days = 3\n")


class Node:
    """A node whose uplink records what it is to send, and whose options are those that were used last."""

    def __init__(self, folder: Path, kept: Kept | None = None, trial_s: float = 0.05) -> None:
        self.folder = folder
        self.connected = True
        self.handlers: dict[str, Callable[[bytes], None]] = {}
        self.sent: list[SettingsState] = []
        self.used: list[str] = []
        self.reported: set[str] = {"orders_late"}
        self.broken = ""
        sync: Any = self
        self.settings = Settings(folder, "centre", kept or Kept(good=GOOD), sync, self.use, self.problems, trial_s)

    def send(self, kind: str, payload: bytes) -> None:
        assert kind == "settings.state"
        self.sent.append(decode_state(payload))

    def use(self, options: str) -> None:
        if options == self.broken:
            raise ConfigError("the centre's settings", "listen", "x", "It stays the node's own.")
        self.used.append(options)

    def problems(self) -> set[str]:
        return self.reported

    def offer(self, version: int, options: str) -> None:
        self.handlers[SETTINGS_OFFER](encode(SettingsOffer(version=version, options=options)))

    def run(self, until: Callable[[], object], do: Callable[[], None] = lambda: None) -> None:
        """Do something in the running node, and wait for what it leads to."""

        async def main() -> None:
            self.settings._woken = asyncio.Event()  # of this loop
            running = asyncio.ensure_future(self.settings.run())
            await asyncio.sleep(0)
            do()
            try:
                async with asyncio.timeout(20):
                    while not until():  # noqa: ASYNC110 - there is no event
                        await asyncio.sleep(0.005)
            finally:
                running.cancel()

        asyncio.run(main())

    @property
    def reports(self) -> list[tuple[int, int, str]]:
        """Version in force, version that it is about, outcome."""
        return [(state.version, state.about, state.outcome) for state in self.sent]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Signatures are good, and looks are many."""

    async def verify(question: Question) -> None:
        assert question.signed.startswith(b"doorstep settings\ncentre\n")

    monkeypatch.setattr(trial, "verify", verify)
    monkeypatch.setattr(trial, "LOOK_S", 0.01)


def test_a_version_that_stands_its_trial_is_kept(tmp_path: Path) -> None:
    """It is used and reported at once as tried, later as healthy; problems from before count for nothing."""
    node = Node(tmp_path)
    node.run(lambda: node.reports[-1:] == [(4, 4, "healthy")], lambda: node.offer(4, "retention_days = 4\n"))
    assert node.reports == [(4, 4, "trial"), (4, 4, "healthy")]
    assert node.used == ["retention_days = 4\n"]
    assert state.read(tmp_path).good == Version(4, "retention_days = 4\n")


def test_what_cannot_be_used_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An option that stays the node's own, and a signature of somebody else: both are reported with the reason."""
    node = Node(tmp_path)
    node.broken = "listen = 1\n"
    node.run(lambda: node.sent, lambda: node.offer(4, node.broken))
    assert node.reports == [(3, 4, "refused")]
    assert "stays the node's own" in node.sent[0].detail

    async def verify(_question: Question) -> None:
        raise SignatureError("They are signed by somebody else.")

    monkeypatch.setattr(trial, "verify", verify)
    node.run(lambda: len(node.sent) > 1, lambda: node.offer(5, "retention_days = 5\n"))
    assert node.reports[-1] == (3, 5, "refused")
    assert node.used == []
    assert state.read(tmp_path).in_force == GOOD


def test_an_offer_that_is_refused_leaves_a_trial_as_it_is(tmp_path: Path) -> None:
    """It is reported as refused; a problem that came with the version on trial is not forgiven by it."""
    tried = Kept(good=GOOD, trial=Version(4, "x = 1\n"), about=4, outcome="trial")
    node = Node(tmp_path, tried, trial_s=60)
    node.broken = "listen = 1\n"

    def offer() -> None:
        node.reported = {"orders_late", "journal_full"}
        node.offer(5, node.broken)

    node.run(lambda: node.reports[-1:] == [(3, 4, "rolled_back")], offer)
    assert node.reports == [(4, 5, "refused"), (3, 4, "rolled_back")]


def test_problems_that_no_setting_causes_exist() -> None:
    """Each is documented under its name, so none that is renamed ends a trial."""
    page = (ROOT / "docs/problems.md").read_text(encoding="utf-8")
    assert [name for name in trial.NOT_OURS if f"| `{name}` |" not in page] == []


def test_a_new_problem_ends_the_trial(tmp_path: Path) -> None:
    """One that lasts, and that settings can cause: not a centre that is away."""
    node = Node(tmp_path, trial_s=60)
    tried = lambda: bool(node.used)
    node.run(tried, lambda: node.offer(4, "rows_per_day_max = 1000\n"))
    node.reported = {"orders_late", "uplink"}
    node.run(lambda: node.settings._lasting or True)
    assert node.settings.kept.trial is not None
    # The same node goes on after a restart, with the trial that it has.
    again = Node(tmp_path, state.read(tmp_path), trial_s=60)
    again.run(
        lambda: again.settings.kept.trial is None, lambda: setattr(again, "reported", {"orders_late", "journal_full"})
    )
    assert again.reports == [(3, 4, "rolled_back")]
    assert "journal_full" in again.sent[-1].detail
    assert again.used == [GOOD.options]
    assert state.read(tmp_path).in_force == GOOD


def test_a_centre_that_is_gone_ends_the_trial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings may be why: the node goes back by itself, and reports when the centre is there again."""
    monkeypatch.setattr(trial, "ALONE_S_MAX", 0.05)
    node = Node(tmp_path)

    def offer() -> None:
        node.offer(4, "retention_days = 4\n")
        node.connected = False

    node.run(lambda: len(node.used) == 2, offer)
    assert node.used == ["retention_days = 4\n", GOOD.options]
    assert node.sent == []
    node.connected = True
    node.run(lambda: node.sent, lambda: node.handlers[SYNC_WELCOME](b""))
    assert node.reports == [(3, 4, "rolled_back")]
    assert "away" in node.sent[0].detail


def test_the_version_before_is_no_trial(tmp_path: Path) -> None:
    """In a trial the good version is offered again: it counts at once. What is in force already is only reported."""
    node = Node(tmp_path, Kept(good=GOOD, trial=Version(4, "x = 1\n"), about=4, outcome="trial"), trial_s=60)
    node.run(lambda: node.sent, lambda: node.offer(3, GOOD.options))
    assert node.reports == [(3, 3, "in_force")]
    node.run(lambda: len(node.sent) > 1, lambda: node.offer(3, GOOD.options))
    assert node.reports[-1] == (3, 3, "in_force")
    assert node.used == [GOOD.options]
    assert node.settings.gauges()["settings"]["version"] == 3


def test_without_a_disk_nothing_is_tried(tmp_path: Path) -> None:
    """What would not survive a restart is gone back from at once."""
    node = Node(tmp_path / "gone")
    node.run(lambda: len(node.used) == 2, lambda: node.offer(4, "retention_days = 4\n"))
    assert node.used == ["retention_days = 4\n", GOOD.options]
    assert node.settings.kept.in_force == GOOD

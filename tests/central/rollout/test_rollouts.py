"""Reports in, offers out, on both engines."""

from collections.abc import Iterator

import pytest

from central.rollout import rollouts
from central.rollout.rollouts import OFFERED_AT_ONCE, Rollouts
from central.store.store import Store
from edge.messages.sync.settings import (
    SETTINGS_OFFER,
    SETTINGS_STATE,
    Outcome,
    SettingsState,
    decode_offer,
    encode,
)
from edge.mqtt.seam import Publish
from tests.central.stores import START, Place, ask, hello

DAY_MS = 86_400_000
INSERT = "insert into rollout values(?, ?, ?, ?, ?, ?, ?, ?, ?, '', 0, ?, 'mei')"

MANY = (
    "insert into node_settings with recursive number(n) as (select 10000 union all select n + 1 from number"
    " where n < 19999) select 'm-' || n, 'many', 0, '', 0, 'in_force', '', 1 from number"
)


class Centre:
    """A store with its roll-outs, at one time after the other."""

    def __init__(self, store: Store) -> None:
        self.store, self.rollouts, self.now = store, Rollouts(store), START
        self.there: set[str] = set()

    def begin(
        self, number: int, options: str = "", group: str = "all", stages: str = "1,all", state: str = "running"
    ) -> None:
        values = (number, group, options, b"signature", b"signer", stages, DAY_MS, self.now, state, self.now)
        with self.store.driver.transaction():
            self.store.driver.run(INSERT, values)

    def report(
        self, node: str, version: int = 0, about: int = 0, outcome: Outcome = "in_force", detail: str = ""
    ) -> int | None:
        """A node's word; the version that it is offered then."""
        self.there.add(node)
        state = SettingsState(at=1, version=version, about=about, outcome=outcome, detail=detail)
        answer = self.rollouts.reported(Publish(node, SETTINGS_STATE, encode(state), 1, 1), self.now)
        assert (answer.kind == SETTINGS_OFFER) is bool(answer.payload)
        return decode_offer(answer.payload).version if answer.payload else None

    def look(self) -> dict[str, int]:
        """What nodes are offered without having asked."""
        return {
            node: decode_offer(payload).version
            for node, kind, payload in self.rollouts.look(self.there, self.now)
            if kind == SETTINGS_OFFER
        }

    def state(self, number: int) -> tuple[str, str]:
        rows = self.store.driver.rows("select state, why from rollout where id = ?", (number,))
        return rows[0][0], rows[0][1]


@pytest.fixture
def centre(place: Place, monkeypatch: pytest.MonkeyPatch) -> Iterator[Centre]:
    """Nothing was rolled out; three nodes are there."""
    monkeypatch.setattr(rollouts, "LOOK_S", -1.0)
    store = place.store()
    made = Centre(store)
    for node in ("n-1", "n-2", "n-3"):
        ask(store, hello(node))
        assert made.report(node) is None
    yield made
    store.close()


def test_it_goes_from_one_node_to_all(centre: Centre) -> None:
    """Each is offered it once at a time, also when it asks; then everybody who comes gets it."""
    centre.begin(0, state="done", group="")
    centre.begin(1, "retention_days = 3")
    (first, version), *others = centre.look().items()
    assert (version, others) == (1, [])
    assert centre.look() == {}
    assert centre.report(first) == 1
    assert centre.report(first, 1, 1, "trial") is None
    assert centre.look() == {}
    centre.report(first, 1, 1, "healthy")
    centre.look()
    assert centre.look() == dict.fromkeys({"n-1", "n-2", "n-3"} - {first}, 1)
    for node in ("n-1", "n-2", "n-3"):
        centre.report(node, 1, 1, "healthy")
    centre.look()
    assert centre.state(1) == ("done", "")
    assert centre.report("n-4") == 1


def test_a_no_ends_it_and_takes_it_back(centre: Centre) -> None:
    """Who refused is asked no more; who had it gets what the group had before; a person gets an alarm."""
    centre.begin(0, state="done", group="")
    centre.begin(1, "retention_days = 3", state="done")
    centre.begin(2, "retention_days = 2", stages="2,all")
    first, second = centre.look()
    centre.report(first, 2, 2, "healthy")
    assert centre.report(second, 1, 2, "refused", "It stays the node's own.") is None
    assert centre.look() == {first: 1}
    assert centre.state(2) == ("failed", f"{second} has refused it: It stays the node's own.")
    alarms = centre.store.driver.rows("select node, kind, detail from alarm")
    assert [(row[0], row[1]) for row in alarms] == [(second, "rollout_failed")]
    assert centre.report(first, 1, 1, "in_force") is None
    (third,) = {"n-1", "n-2", "n-3"} - {first, second}
    assert centre.report(third) == 1


def test_what_was_never_good_is_taken_back_to_nothing(centre: Centre) -> None:
    """Version 0 is empty, and signed like every other."""
    centre.begin(0, state="done", group="")
    centre.begin(1, "retention_days = 3", stages="all", state="stopped")
    assert centre.report("n-1", 1, 1, "healthy") == 0


def test_groups_have_versions_of_their_own(centre: Centre) -> None:
    """A version of another group is nobody else's; who is put into it gets it."""
    centre.begin(0, state="done", group="")
    centre.begin(1, "a = 1", state="done")
    centre.begin(2, "a = 2", group="cafes", state="done")
    assert centre.report("n-1") == 1
    with centre.store.driver.transaction():
        centre.store.driver.run("update node_settings set fleet = 'cafes' where node = 'n-1'")
    assert centre.report("n-1", 1, 1, "healthy") == 2
    assert centre.report("n-2") == 1


def test_a_node_that_is_away_learns_it_when_it_comes(centre: Centre) -> None:
    """Nothing is sent to it before; another one that is there tries first."""
    centre.begin(0, state="done", group="")
    centre.there = {"n-3"}
    centre.begin(1, "a = 1")
    assert centre.look() == {"n-3": 1}
    centre.there.clear()
    assert centre.look() == {}


def test_ten_thousand_nodes_get_it_one_after_the_other(centre: Centre, monkeypatch: pytest.MonkeyPatch) -> None:
    """A look reads a bounded number of rows beside the names of a stage, and offers to so many nodes at most; each gets
    one offer, and those that a no has spared none."""
    driver, most = centre.store.driver, OFFERED_AT_ONCE + 10
    with driver.transaction():
        assert driver.run(MANY) == 10_000
    centre.there.update(f"m-{number}" for number in range(10_000, 20_000))
    centre.begin(0, state="done", group="")
    centre.begin(1, "retention_days = 3", group="many", stages="all")
    read: list[int] = []
    rows = driver.rows
    monkeypatch.setattr(driver, "rows", lambda *asked: read.append(len(found := rows(*asked))) or found)
    got: dict[str, int] = {}
    while len(got) < 4 * OFFERED_AT_ONCE:
        fresh = centre.look()
        assert 0 < len(fresh) <= OFFERED_AT_ONCE
        assert not got.keys() & fresh.keys()
        got |= fresh
    first = min(got)
    centre.report(first, 0, 1, "refused", "It stays the node's own.")
    read.clear()
    assert centre.look() == {}
    assert centre.state(1)[0] == "failed"
    assert max(read) <= most
    assert len(rows("select node from placed")) == len(got)
    assert centre.look() == {}


def test_unreadable_words_are_refused(centre: Centre) -> None:
    """Nothing is kept of them."""
    with pytest.raises(ValueError, match=r"."):
        centre.rollouts.reported(Publish("n-9", SETTINGS_STATE, b"nothing", 1, 1), START)
    assert centre.store.driver.rows("select node from node_settings where node = 'n-9'") == []


def test_two_collectors_move_it_once(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever is slower finds that it has moved."""
    monkeypatch.setattr(rollouts, "LOOK_S", -1.0)
    if isinstance(place.where, str):
        one, two = Centre(place.store()), Centre(place.store())
        for node in ("n-1", "n-2"):
            one.report(node)
        one.begin(0, state="done", group="")
        one.begin(1, "a = 1")
        two.there = one.there
        assert one.look() == two.look()
        assert len(one.store.driver.rows("select node from placed")) == 1
        one.store.close()
        two.store.close()

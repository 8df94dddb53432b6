"""The pages: what each reads, and which template shows it. A new one is a line in `pages`, a method and a template."""

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Any, Final

from msgspec import Struct
from starlette.responses import Response

from edge.messages.sync.ledger import KINDS

from ..figures import views
from ..figures.span import RANGES, Span, latest
from ..fleet.reconcile import reconcile
from ..health_index import DAYS
from ..rollout.progress import NODE_STATES, NodePlace, Progress, newest, options_of, places
from ..store.tiers import DAY_MS
from .desk import Desk, Visit
from .render import MEASURE_WORDS

STATES_SHOWN: Final = ("stalled", "behind", "quarantined", "clock", "never", "problem", "current", "retired")
"""Worst first, as tiles and in the table."""

_ORDER: Final = {name: number for number, name in enumerate(MEASURE_WORDS)}

_EPOCH: Final = date(1970, 1, 1)

AUDIT_SHOWN: Final = 100
"""Entries of one page."""

ROLLOUTS_SHOWN: Final = 20
"""On one page."""

NODES_READ_MAX: Final = 10_000
"""Of one roll-out, to show the worst first."""

LEDGER_DAYS: Final = ("7", "30", "90")
HEALTH_DAYS: Final = ("1", "7", "30", "90")
"""The choices of the pages."""

NODES_SHOWN: Final = 100
"""On the page Health, with nine parts each; of the shops as many."""


class Page(Struct, frozen=True):
    """A page that stands in the navigation, for those with this role."""

    path: str
    title: str
    role: str
    show: Callable[[Visit], Response]


class Pages:
    """Of one centre."""

    def __init__(self, desk: Desk) -> None:
        self._desk, self._centre = desk, desk.centre

    def pages(self) -> list[Page]:
        """In the sequence in which they stand there."""
        return [
            Page("/", "Fleet", "viewer", self.fleet),
            Page("/health", "Health", "viewer", self.health),
            Page("/orders", "Orders", "viewer", self.orders),
            Page("/latency", "Latency", "viewer", self.latency),
            Page("/demand", "Demand", "viewer", self.demand),
            Page("/reconciliation", "Reconciliation", "viewer", self.reconciliation),
            Page("/ledger", "Ledger", "viewer", self.ledger),
            Page("/quarantine", "Quarantine", "viewer", self.quarantine),
            Page("/rollouts", "Roll-outs", "viewer", self.rollouts),
            Page("/enrolment", "Enrolment", "viewer", self.enrolment),
            Page("/audit", "Audit log", "admin", self.audit),
        ]

    # -- nodes ---------------------------------------------------------------------------------------------------------

    def fleet(self, visit: Visit) -> Response:
        """Every node, red first."""
        nodes = self._desk.cache.get("fleet", self._centre.fleet)
        states: dict[str, int] = dict.fromkeys(STATES_SHOWN, 0)
        for node in nodes:
            states[state_of(node)] = states.get(state_of(node), 0) + 1
        query = visit.query.get("q", "").strip()[:64]
        found = [node for node in nodes if query in node.node]
        red = sum(state_of(node) not in ("current", "retired") for node in nodes)
        values = {"nodes": [(state_of(node), node) for node in found[: views.ROWS_MAX]], "found": len(found)}
        totals = {"states": states, "total": len(nodes), "red": red, "query": query}
        return self._desk.show(visit, "fleet.html", **values, **totals)

    def node(self, visit: Visit) -> Response:
        """One node: how it is, its alarms, its orders and events."""
        name = visit.request.path_params["node"]
        health = next((each for each in self._desk.cache.get("fleet", self._centre.fleet) if each.node == name), None)
        if health is None:
            return self._desk.problem(visit, 404, "There is no such node.")
        chosen, span = self._range(visit, "24h")
        known = self._desk.cache.get(("node", name), lambda: self._centre.figures.node(name))
        series = self._series(chosen, span, name)
        events = _events(series)
        values = {"health": health, "state": state_of(health), "known": known, "events": events}
        orders = views.orders_row(views.whole(series, "dispatch"))
        return self._desk.show(visit, "node.html", range=chosen, span=span, orders=orders, name=name, **values)

    def health(self, visit: Visit) -> Response:
        """How well each scenario does, and at which nodes it does not."""
        chosen = visit.query.get("days", "")
        days = int(chosen) if chosen in HEALTH_DAYS else DAYS
        found = self._desk.cache.get(("health", days), lambda: self._centre.health(days))
        scenarios = [each for each in found if not each.node]
        scenario = visit.query.get("scenario", "")
        scenario = scenario if any(each.scenario == scenario for each in scenarios) else ""
        node = visit.query.get("node", "")
        node = node if any(each.node == node for each in found) else ""
        nodes = [each for each in found if each.node and scenario in ("", each.scenario) and node in ("", each.node)]
        shown = [each for each in scenarios if scenario in ("", each.scenario)]
        values = {"scenarios": scenarios, "shown": shown, "scenario": scenario}
        values |= {"node": node, "nodes": nodes[:NODES_SHOWN], "found": len(nodes)}
        values |= self._shops(scenario, node if node or len(nodes) <= NODES_SHOWN else None, days)
        options = self._centre.health_options
        values |= {"mend_below": options.mend_below, "events_min": options.events_min}
        values["orders_min"] = options.shop_orders_min
        return self._desk.show(visit, "health.html", days=days, choices=HEALTH_DAYS, **values)

    def _shops(self, scenario: str, node: str | None, days: int) -> dict[str, Any]:
        """The shops of a node, or of all (empty), as far as the page shows them; of too many nodes (None) none."""
        if node is None:
            return {"shops": [], "shops_found": None, "unnamed": 0}
        found = self._desk.cache.get(("shops", days, node), lambda: self._centre.shops(days, node))
        rows = [each for each in found.rows if scenario in ("", each.scenario)]
        return {"shops": rows[:NODES_SHOWN], "shops_found": len(rows), "unnamed": found.unnamed}

    # -- figures -------------------------------------------------------------------------------------------------------

    def orders(self, visit: Visit) -> Response:
        """What became of orders, over time and by node."""
        chosen, span = self._range(visit, "24h")
        series = self._series(chosen, span)
        figures = self._centre.figures
        rows = self._desk.cache.get(
            ("orders", chosen), lambda: views.orders_by_node(figures.by_node(span, "dispatch", views.COUNTED))
        )
        values = {"over_time": views.orders_over_time(series), "rows": rows[: views.ROWS_MAX], "found": len(rows)}
        whole = views.orders_row(views.whole(series, "dispatch"))
        return self._desk.show(visit, "orders.html", range=chosen, span=span, whole=whole, **values)

    def latency(self, visit: Visit) -> Response:
        """p50 and p99 of each stage, over time."""
        chosen, span = self._range(visit, "24h")
        figures = self._centre.figures
        stages = self._desk.cache.get(
            ("latency", chosen), lambda: views.latency(figures.over_time(span, of=("measures",)))
        )
        stages = sorted(stages, key=lambda stage: _ORDER.get(stage["name"], len(_ORDER)))
        return self._desk.show(visit, "latency.html", range=chosen, span=span, stages=stages)

    def demand(self, visit: Visit) -> Response:
        """Counts by H3 cell."""
        chosen, span = self._range(visit, "24h")
        figures = self._centre.figures
        counts = self._desk.cache.get(("cells", chosen), lambda: views.cells(figures.over_time(span, of=("cells",))))
        what = visit.query.get("what", "")
        what = what if what in counts else max(counts, default="")
        hexagons, height = views.hexagons(counts.get(what, {}))
        values = {"names": list(counts), "what": what, "hexagons": hexagons, "height": height}
        values["steps"] = views.steps(hexagons)
        total = sum(counts.get(what, {}).values())
        return self._desk.show(visit, "demand.html", range=chosen, span=span, total=total, **values)

    # -- what is to be settled -----------------------------------------------------------------------------------------

    def reconciliation(self, visit: Visit) -> Response:
        """Both sides of one day of one node; by default of yesterday (UTC), and of the worst node."""
        names = [node.node for node in self._desk.cache.get("fleet", self._centre.fleet)]
        node = visit.query.get("node", names[0] if names else "")
        today = self._centre.now_ms() // DAY_MS
        day = visit.query.get("day", str(_EPOCH + timedelta(today - 1)))[:10]
        found = None
        try:
            evidence = self._centre.reader.evidence(node, (date.fromisoformat(day) - _EPOCH).days)
            found = reconcile(evidence) if evidence is not None else None
        except ValueError:
            day = ""
        text = "" if found else "There is no such node, or the day is no day that is kept."
        values = {"names": sorted(names)[: views.ROWS_MAX], "node": node, "day": day, "found": found, "text": text}
        return self._desk.show(visit, "reconciliation.html", 200 if found else 404, **values)

    def ledger(self, visit: Visit) -> Response:
        """How the books of shops differ from the orders of their nodes, by day."""
        chosen = visit.query.get("days", "")
        days = int(chosen) if chosen in LEDGER_DAYS else int(LEDGER_DAYS[0])
        today = self._centre.figures.calendar.date(self._centre.now_ms())
        first, last = (today - timedelta(days - 1)).isoformat(), (today + timedelta(1)).isoformat()
        rows = self._desk.cache.get(("ledger", first), lambda: self._centre.reader.ledger(first, last))
        differing = [row for row in rows if any(row[kind] for kind in KINDS)]
        everything = "all" in visit.query
        shown = (rows if everything else differing)[: views.ROWS_MAX]
        totals = {kind: sum(row[kind] for row in rows) for kind in ("there", *KINDS)}
        values = {"rows": shown, "found": len(rows), "differing": len(differing), "totals": totals, "kinds": KINDS}
        return self._desk.show(
            visit, "ledger.html", days=days, first=first, choices=LEDGER_DAYS, all=everything, **values
        )

    def rollouts(self, visit: Visit, text: str = "", *, done: bool = False, status: int = 200) -> Response:
        """The versions of the settings, and of one of them how each node stands."""
        now, figures = self._centre.now_ms(), self._centre.figures
        before, chosen = (_number(visit.query.get(name, "")) for name in ("before", "version"))

        def read() -> list[Progress]:
            return figures.read(lambda driver: newest(driver, now, ROLLOUTS_SHOWN, before or 2**53))

        listed = self._desk.cache.get(("rollouts", before), read)
        one = next((each for each in listed if each.id == chosen), listed[0] if listed else None)
        nodes: list[NodePlace] = []
        options = ""
        if one is not None:
            number = one.id
            nodes, options = figures.read(
                lambda driver: (places(driver, now, number, NODES_READ_MAX), options_of(driver, number))
            )
        nodes.sort(key=lambda each: NODE_STATES.index(each.state))
        values = {"rollouts": listed, "one": one, "nodes": nodes[: views.ROWS_MAX], "found": len(nodes)}
        values |= {"older": listed[-1].id if len(listed) == ROLLOUTS_SHOWN else 0, "options": options}
        may = visit.operator.may("admin")
        return self._desk.show(visit, "rollouts.html", status, text=text, done=done, may=may, **values)

    def quarantine(self, visit: Visit, text: str = "", *, done: bool = False, status: int = 200) -> Response:
        """The batches that are kept aside."""
        aside = self._centre.figures.aside(views.ROWS_MAX)
        values = {"aside": aside, "text": text, "done": done, "may": visit.operator.may("operator")}
        return self._desk.show(visit, "quarantine.html", status, **values)

    def enrolment(
        self, visit: Visit, text: str = "", *, invitation: str = "", done: bool = False, status: int = 200
    ) -> Response:
        """Who is invited, enrolled, revoked and retired."""
        values = {"text": text, "done": done, "invitation": invitation, "may": visit.operator.may("admin")}
        states = self._centre.states()
        rows = list(states.items())[: views.ROWS_MAX]
        invites = self._centre.invite is not None
        return self._desk.show(visit, "enrolment.html", status, invites=invites, rows=rows, total=len(states), **values)

    def audit(self, visit: Visit) -> Response:
        """The log, the latest first."""
        before = _number(visit.query.get("before", "")) or 2**62
        entries = self._centre.operators.audit(before, AUDIT_SHOWN)
        older = entries[-1]["number"] if len(entries) == AUDIT_SHOWN else 0
        return self._desk.show(visit, "audit.html", entries=entries, older=older)

    # -- inside --------------------------------------------------------------------------------------------------------

    def _range(self, visit: Visit, usual: str) -> tuple[str, Span]:
        chosen = visit.query.get("range", usual)
        chosen = chosen if chosen in RANGES else usual
        return chosen, latest(self._centre.figures.calendar, chosen, self._centre.now_ms())

    def _series(self, chosen: str, span: Span, node: str = "") -> Any:
        figures = self._centre.figures
        return self._desk.cache.get(("counters", chosen, node), lambda: figures.over_time(span, node, of=("counters",)))


def state_of(node: Any) -> str:
    """How a node is, in one word: one that is current and reports a problem is not well."""
    return "problem" if node.state == "current" and node.problems else node.state


def _number(text: str) -> int:
    """Of a parameter; 0 where it is none."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 16 else 0


def _events(series: Any) -> dict[str, Sequence[int]]:
    """Events of all scenarios by period."""
    found: dict[int, int] = {}
    for sums in series.values():
        for at, total in sums.items():
            found[at] = found.get(at, 0) + total.events
    return {"at": sorted(found), "events": [found[at] for at in sorted(found)]}

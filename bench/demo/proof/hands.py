"""What the journal has of the day's trouble: what a dispatcher decided instead of the node, and what came back."""

from collections import Counter
from collections.abc import Callable
from typing import Final

from edge.core.model import Row
from edge.scenarios.dispatch.messages.catalog import Durable
from edge.scenarios.dispatch.messages.down import Assignment
from edge.scenarios.dispatch.messages.overrides import OrderAssign, OrderHold, OrderPin, OrderRelease, RiderPause
from edge.scenarios.dispatch.messages.up import OrderRedeliver, RiderProgress

OBEYED: Final = "dispatcher_is_obeyed"
COMES_BACK: Final = "what_failed_comes_back"


class Hands:
    """Read row by row. `counts` are accepted events; `held` is what nobody may be asked for; `failed` the rider of each
    order that could not be handed over and is neither back nor out again."""

    def __init__(self, found: Callable[[str, str], None]) -> None:
        self.counts: Counter[str] = Counter()
        self.held: set[str] = set()
        self.failed: dict[str, str] = {}
        self.given: dict[str, str] = {}
        """The rider to whom each order is assigned in this row."""
        self._found = found

    def accepted(self, client: str, body: Durable, row: Row) -> None:
        """An event of dispatch that was accepted."""
        match body:
            case OrderHold():
                self.held.add(body.order)
                self.counts["held"] += 1
            case OrderRelease():
                self.held.discard(body.order)
                self.counts["released"] += 1
            case OrderAssign():
                self.held.discard(body.order)
                self.given[body.order] = body.rider
                self.counts["assigned"] += 1
            case OrderPin():
                self.held.discard(body.order)
            case OrderRedeliver():
                self.failed.pop(body.order, None)
                self.counts["sent_again"] += 1
            case RiderPause():
                self.counts["breaks"] += 1
            case RiderProgress():
                self._progress(client, body, row)
            case _:
                pass

    def ended(self, order: str) -> None:
        """Nothing happens to it any more."""
        self.held.discard(order)
        self.failed.pop(order, None)

    def assignment(self, client: str, assignment: Assignment, row: Row) -> None:
        """What a rider gets about an order."""
        if assignment.state == "offered" and assignment.order in self.held:
            self._found(OBEYED, f"row {row.number}: {assignment.order} is on hold and was offered to {client}")

    def row_ends(self, row: Row, holder: Callable[[str], str | None]) -> None:
        """Whoever was given an order has it."""
        for order, rider in self.given.items():
            if holder(order) != rider:
                text = f"row {row.number}: {order} was given to {rider}, but {holder(order) or 'nobody'} has it"
                self._found(OBEYED, text)
        self.given.clear()

    def _progress(self, client: str, body: RiderProgress, row: Row) -> None:
        if body.step == "picked_up":
            self.held.discard(body.order)  # who comes with the food has it in any case
        elif body.step == "failed":
            self.failed[body.order] = client
            self.counts["failed"] += 1
        elif body.step == "returned":
            self.counts["returned"] += 1
            if self.failed.pop(body.order, None) != client:
                self._found(COMES_BACK, f"row {row.number}: {client} returned {body.order}, which had not failed")

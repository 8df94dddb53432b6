"""What operators may change: settle batches that are kept aside, end roll-outs, invite nodes, revoke them. Each is
written down."""

import re
from typing import Final

from starlette.responses import Response

from edge.errors import DoorstepError
from edge.limits import IDENTIFIER_PATTERN

from .desk import Desk, Visit
from .pages import Pages

DAYS_MAX: Final = 30
"""As of `doorstep central invite`."""


class Changes:
    """Of one centre."""

    def __init__(self, desk: Desk, pages: Pages) -> None:
        self._desk, self._centre, self._pages = desk, desk.centre, pages

    def quarantine(self, visit: Visit) -> Response:
        """Store a batch, or give it up."""
        batch, retry = visit.form.get("batch", "")[:128], visit.form.get("what") == "retry"
        try:
            sentence, settled = self._centre.settle(batch, retry)
        except DoorstepError as error:
            return self._pages.quarantine(visit, str(error), status=409)
        if settled:
            self._write(visit, "quarantine.stored" if retry else "quarantine.discarded", batch)
        text = f"{batch}: {self._desk.words(visit, sentence)}"
        return self._pages.quarantine(visit, text, done=settled, status=200 if settled else 409)

    def invite(self, visit: Visit) -> Response:
        """Make an invitation for a node."""
        name, days = visit.form.get("name", "").strip(), visit.form.get("days", "")
        replace = "replace" in visit.form
        if not re.fullmatch(IDENTIFIER_PATTERN, name):
            hint = "A node's name has up to 64 lower-case letters, digits and dashes, and begins with no dash."
            return self._pages.enrolment(visit, hint, status=400)
        if not re.fullmatch("[0-9]{1,2}", days) or not 1 <= int(days) <= DAYS_MAX:
            return self._pages.enrolment(visit, f"An invitation is good for 1 to {DAYS_MAX} days.", status=400)
        if self._centre.invite is None:
            return self._pages.enrolment(visit, status=409)
        try:
            made = self._centre.invite(name, int(days), replace)
        except DoorstepError as error:
            return self._pages.enrolment(visit, str(error), status=409)
        self._write(visit, "node.invited", f"{name}, {days} days{', replaced' if replace else ''}")
        return self._pages.enrolment(visit, invitation=made)

    def revoke(self, visit: Visit) -> Response:
        """End a node's certificate and session."""
        name = visit.form.get("name", "")[:64]
        if self._centre.revoke is None:
            return self._pages.enrolment(visit, status=409)
        try:
            self._centre.revoke(name)
        except DoorstepError as error:
            return self._pages.enrolment(visit, str(error), status=409)
        self._write(visit, "node.revoked", name)
        return self._pages.enrolment(visit, f"{name}: {self._desk.words(visit, 'Revoked')}", done=True)

    def rollouts(self, visit: Visit) -> Response:
        """End a roll-out: stop it, or take its version back."""
        number, how = visit.form.get("number", ""), visit.form.get("how", "")
        if not re.fullmatch("[0-9]{1,15}", number) or how not in ("stop", "back"):
            return self._pages.rollouts(visit, "There is no such roll-out.", status=400)
        try:
            self._centre.end_rollout(int(number), how, visit.operator.name)
            self._desk.cache.forget("rollouts")
        except DoorstepError as error:
            return self._pages.rollouts(visit, str(error), status=409)
        self._write(visit, "rollout.stopped" if how == "stop" else "rollout.taken_back", f"roll-out {number}")
        return self._pages.rollouts(visit, "Its nodes go back to what they had before.", done=True)

    def _write(self, visit: Visit, what: str, detail: str) -> None:
        self._centre.operators.write(visit.operator.name, visit.where, what, detail)

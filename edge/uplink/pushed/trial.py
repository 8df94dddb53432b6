"""Takes the settings that the centre offers, tries them, and goes back to the last good ones where that fails.

An offer is signed by the authority of the node's certificate. It is checked whole, applied, written down, and watched
for three windows: a problem that was not there before, or no centre for ten minutes, ends the trial. Nothing of it is
in the way of local work, and nothing runs while there is no trial.
"""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from ...errors import DoorstepError
from ...limits import TEXT_CHARACTERS_MAX, WINDOW_S
from ...log.events import SETTINGS_BACK, SETTINGS_COUNT, SETTINGS_FAULT, SETTINGS_REFUSED, SETTINGS_TRIED
from ...messages.batches import SYNC_WELCOME
from ...messages.sync.settings import (
    SETTINGS_OFFER,
    SETTINGS_STATE,
    SettingsOffer,
    SettingsState,
    decode_offer,
    encode,
    signed_bytes,
)
from ..enrolment import IDENTITY
from ..sync import Sync
from . import state
from .state import Kept, Version
from .verify import Question, verify

TRIAL_S: Final = 3 * WINDOW_S
"""Seconds of the node's clock."""

ALONE_S_MAX: Final = 600.0
"""Real seconds without the centre in a trial, after which the node goes back: the settings may be why."""

LOOK_S: Final = 1.0
LASTING: Final = 5
"""Looks in a row at which a new problem is there."""

NOT_OURS: Final = frozenset(
    "uplink sync_refused stall_send stall_sync gave_up webhooks webhooks_dead link_down clock_unset clock_jumped "
    "certificate uplink_ca uplink_certificate link_ca enrolment".split()
)
"""Problems that no option that can be pushed causes: networks, other machines, certificates, the clock."""


class Settings:
    """For one uplink of an enrolled node. `use` applies the options (TOML), and raises DoorstepError with nothing
    changed where they cannot be; `problems` are the names of those that the node has; `trial_s` is TRIAL_S in real
    seconds."""

    def __init__(
        self,
        folder: Path,
        centre: str,
        kept: Kept,
        sync: Sync,
        use: Callable[[str], None],
        problems: Callable[[], set[str]],
        trial_s: float = TRIAL_S,
    ) -> None:
        self.kept = kept
        self._folder, self._centre, self._sync = folder, centre, sync
        self._use, self._problems, self._trial_s = use, problems, trial_s
        self._offer: SettingsOffer | None = None
        self._woken = asyncio.Event()
        self._known: set[str] = set()
        self._lasting: dict[str, int] = {}
        self._since = self._connected_at = 0.0
        sync.handlers[SETTINGS_OFFER] = self._on_offer
        sync.handlers[SYNC_WELCOME] = self._on_welcome

    def gauges(self) -> dict[str, dict[str, int | str]]:
        """The section `settings` of the status."""
        kept = self.kept
        return {
            "settings": {
                "version": kept.in_force.number,
                "sha256": kept.in_force.sha256 if kept.in_force.number else "",
                "outcome": kept.outcome,
            }
        }

    async def run(self) -> None:
        """Take offers, and watch trials, for as long as the process lives."""
        if self.kept.trial is not None:
            self._begin(self._problems())
        while True:
            try:
                await asyncio.wait_for(self._woken.wait(), LOOK_S if self.kept.trial is not None else None)
            except TimeoutError:
                self._watch()
            self._woken.clear()
            offer, self._offer = self._offer, None
            if offer is not None:
                await self._take(offer)

    # -- offers --------------------------------------------------------------------------------------------------------

    def _on_welcome(self, _payload: bytes) -> None:
        if self._sync.connected:
            self._report()

    def _on_offer(self, payload: bytes) -> None:
        self._offer = decode_offer(payload)  # the newest one counts
        self._woken.set()

    async def _take(self, offer: SettingsOffer) -> None:
        kept, wanted = self.kept, Version(offer.version, offer.options)
        if wanted == kept.in_force:
            self._report()
            return
        signed = signed_bytes(self._centre, offer.version, offer.options)
        known = self._problems()
        try:
            await verify(Question(str(self._folder / IDENTITY), offer.signer, offer.signature, signed))
            self._use(offer.options)
        except DoorstepError as error:
            # What cannot be checked now may be later; what is wrong stays wrong, and is reported once.
            self._keep(msgspec.structs.replace(kept, about=offer.version, outcome="refused", detail=_text(error)))
            SETTINGS_REFUSED.write(number=offer.version, sentence=str(error))
            return
        if wanted == kept.good:
            self._keep(Kept(good=wanted, about=wanted.number))
            SETTINGS_COUNT.write(number=wanted.number, cause="it is in force again")
            return
        self._begin(known)
        if self._keep(Kept(good=kept.good, trial=wanted, about=wanted.number, outcome="trial")):
            SETTINGS_TRIED.write(number=wanted.number, seconds=round(self._trial_s))
        else:
            self._go_back("It could not be written to the disk.")

    # -- the trial -----------------------------------------------------------------------------------------------------

    def _begin(self, known: set[str]) -> None:
        self._known, self._lasting = known, {}
        self._since = self._connected_at = time.monotonic()

    def _watch(self) -> None:
        now, trial = time.monotonic(), self.kept.trial
        assert trial is not None
        if self._sync.connected:
            self._connected_at = now
        elif now - self._connected_at >= ALONE_S_MAX:
            self._go_back(f"The centre was away for {ALONE_S_MAX / 60:.0f} minutes.")
            return
        fresh = self._problems() - self._known - NOT_OURS
        self._lasting = {name: self._lasting.get(name, 0) + 1 for name in fresh}
        lasting = sorted(name for name, looks in self._lasting.items() if looks >= LASTING)
        if lasting:
            self._go_back(f"The node reports {', '.join(lasting)} since.")
        elif now - self._since >= self._trial_s and self._sync.connected and not fresh:
            self._keep(Kept(good=trial, about=trial.number, outcome="healthy"))
            SETTINGS_COUNT.write(number=trial.number, cause="it stood its trial")

    def _go_back(self, why: str) -> None:
        before = self.kept
        self._keep(state.back(before, why))
        SETTINGS_BACK.write(number=before.good.number, sentence=why)
        try:
            self._use(before.good.options)
        except DoorstepError as error:  # the operator's file was changed meanwhile
            SETTINGS_FAULT.write(
                sentence=f"Version {before.good.number} cannot be used either, what is in force stays. {error}"
            )

    def _keep(self, kept: Kept) -> bool:
        """Write it, then report it. Whether it is written: without a disk it counts until the next start."""
        self.kept = kept
        try:
            state.write(self._folder, kept)
        except OSError as error:
            SETTINGS_FAULT.write(sentence=f"{self._folder / state.FILE} cannot be written: {error.strerror}.")
            return False
        self._report()
        return True

    def _report(self) -> None:
        if not self._sync.connected:
            return  # the next welcome does
        kept = self.kept
        message = SettingsState(
            at=time.time_ns() // 1_000_000,
            version=kept.in_force.number,
            sha256=kept.in_force.sha256,
            about=kept.about,
            outcome=kept.outcome,
            detail=kept.detail,
        )
        self._sync.send(SETTINGS_STATE, encode(message))


def _text(error: DoorstepError) -> str:
    """A sentence that a message may carry."""
    return "".join(each if each.isprintable() else " " for each in str(error))[:TEXT_CHARACTERS_MAX]

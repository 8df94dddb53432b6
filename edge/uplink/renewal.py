"""Keeps the certificate of an enrolled node good: asks for the next one from day 60 on, over the session that the
present one has opened, and takes up what `doorstep enroll` has written meanwhile.

Nothing of it is in the way of local work: a certificate that has ended costs the uplink, and nothing else.
"""

import asyncio
import ssl
import time
from collections.abc import Callable
from secrets import token_hex
from typing import Final

from ..errors import DoorstepError
from ..log.events import ENROLLED, ENROLMENT_KEPT, RENEWAL_REFUSED, RENEWED
from ..messages.sync.enrolment import ENROL_REQUEST, EnrolRequest, decode_answer, encode
from ..service.listeners import stamp
from .enrolment import IDENTITY, RENEW_DAYS, Enrolment, read, renewed
from .sync import Sync

LOOK_S: Final = 1.0
"""Between two looks at the certificate's days and at its file."""

RETRY_S: Final = 3_600.0
"""After a request for a new certificate: thirty days have room for many."""


class Renewal:
    """For one uplink. `trust` makes its TLS from an enrolment."""

    def __init__(self, enrolment: Enrolment, sync: Sync, trust: Callable[[Enrolment], ssl.SSLContext | None]) -> None:
        self._enrolment, self._sync, self._trust = enrolment, sync, trust
        self._seen = stamp(str(enrolment.folder / IDENTITY))
        self._asked_at: float | None = None
        self._id = ""

    @property
    def ends_ms(self) -> int:
        """When the certificate in use ends, Unix ms."""
        return self._enrolment.ends_ms

    async def run(self) -> None:
        """Look for as long as the process lives."""
        loop = asyncio.get_running_loop()
        while True:
            self._look(loop.time())
            await asyncio.sleep(LOOK_S)

    def _look(self, now: float) -> None:
        seen = stamp(str(self._enrolment.folder / IDENTITY))
        if seen != self._seen:
            self._seen = seen
            self._take_up()
        if not self._sync.connected or self._enrolment.days_left > RENEW_DAYS:
            return
        if self._asked_at is None or now - self._asked_at >= RETRY_S:
            self._asked_at, self._id = now, token_hex(8)
            self._sync.send(ENROL_REQUEST, encode(EnrolRequest(id=self._id, at=time.time_ns() // 1_000_000)))

    def on_answer(self, payload: bytes) -> None:
        """The payload of an `enrol.answer`. Raises ValueError where it cannot be read."""
        answer = decode_answer(payload)
        if not self._id or answer.id != self._id:
            return
        self._id = ""
        if answer.refused:
            RENEWAL_REFUSED.write(cause=answer.refused, sentence=answer.detail)
            return
        try:
            self._enrolment = renewed(self._enrolment, answer.certificate, answer.authority, answer.uplink)
            self._seen = stamp(str(self._enrolment.folder / IDENTITY))
            self._use()
        except DoorstepError as error:
            ENROLMENT_KEPT.write(sentence=str(error))
            return
        RENEWED.write(days=round(self._enrolment.days_left))

    def _take_up(self) -> None:
        """Somebody has enrolled the node anew."""
        try:
            found = read(self._enrolment.folder, self._enrolment.settings.node)
            if found is None or found == self._enrolment:
                return
            self._enrolment = found
            self._use()
        except DoorstepError as error:
            ENROLMENT_KEPT.write(sentence=str(error))
            return
        ENROLLED.write(days=round(self._enrolment.days_left))

    def _use(self) -> None:
        self._asked_at = None
        context = self._trust(self._enrolment)
        if context is not None:
            self._sync.link.set_tls(context)

"""A dispatcher pauses a rider, or a rider itself: nothing new, and what it has accepted stays."""

from ....core.effects import Effects
from ....core.model import Event, Now
from ....core.scenario import Refusal
from ....errors import Reason
from ....messages.grants import EVERY_SHOP
from ..endings import pause, resume
from ..messages.catalog import RiderOverride
from ..messages.overrides import RiderPause
from ..state.dispatch_state import DispatchState
from ..state.duty import Break
from ..state.riders import Rider
from .windows import implausible


def pause_or_resume(
    dispatch: DispatchState, event: Event, body: RiderOverride, now: Now, out: Effects
) -> Refusal | None:
    """Nothing new for a rider, or offers again. None where it is accepted."""
    client = event.client
    if client != body.rider and event.shop != EVERY_SHOP:
        return Refusal(Reason.NOT_YOURS, "rider", "a rider may pause and resume itself; a dispatcher everybody")
    rider = dispatch.riders.known.get(body.rider)
    if rider is None or not rider.on:
        return Refusal(Reason.UNKNOWN_RIDER, "rider", f"{body.rider} is not on shift")
    by_other = rider.paused not in ("", body.rider)
    if isinstance(body, RiderPause):
        refusal = _break(dispatch, rider, body, client, by_other, now, out)
        if refusal is not None:
            return refusal
    elif by_other and client == body.rider:
        return Refusal(Reason.NOT_YOURS, "rider", f"{rider.paused} has paused you, and resumes you")
    elif rider.paused:
        resume(dispatch, rider)
    else:
        rider.duty.ahead = None
    dispatch.riders.set_duty(rider)
    dispatch.changed = True
    return None


def _break(
    dispatch: DispatchState, rider: Rider, body: RiderPause, client: str, by_other: bool, now: Now, out: Effects
) -> Refusal | None:
    """A pause from now on, or from a later time on, and until when. None where it is accepted."""
    now_ms = dispatch.now_ms
    times: list[int] = []
    for field, at in (("starts_at", body.starts_at), ("until", body.until)):
        if at is not None and (refusal := implausible(field, at, now)):
            return refusal
        times.append(0 if at is None else now_ms + at - now.wall_ms)
    from_ms, until_ms = times
    if until_ms and until_ms <= max(now_ms, from_ms):
        return Refusal(Reason.TOO_LATE, "until", "the break would be over before it begins, or already")
    if from_ms > now_ms:
        rider.duty.ahead = Break(from_ms, until_ms, client)
    elif not rider.paused:
        pause(dispatch, rider, client, until_ms, now, out)
    elif client != body.rider or not by_other:
        if not by_other and client != body.rider:
            dispatch.riders.pause(rider, client, now_ms)
        rider.duty.resumes_ms = until_ms
    return None

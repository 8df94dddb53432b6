"""A dispatcher pauses a rider, or a rider itself: nothing new, and what it has accepted stays."""

from ....core.effects import Effects
from ....core.model import Event, Now
from ....core.scenario import Refusal
from ....errors import Reason
from ....messages.grants import EVERY_SHOP
from ..endings import release
from ..lifecycle import OFFERED
from ..messages import RiderOverride, RiderPause
from ..state.dispatch_state import DispatchState


def pause_or_resume(
    dispatch: DispatchState, event: Event, body: RiderOverride, now: Now, out: Effects
) -> Refusal | None:
    """Nothing new for a rider, or offers again. None where it is accepted."""
    client = event.client
    if client != body.rider and event.shop != EVERY_SHOP:
        return Refusal(Reason.NOT_YOURS, "rider", "a rider may pause and resume itself; a dispatcher everybody")
    rider = dispatch.riders.get(body.rider)
    if rider is None or not rider.on:
        return Refusal(Reason.UNKNOWN_RIDER, "rider", f"{body.rider} is not on shift")
    by_other = rider.paused not in ("", body.rider)
    if isinstance(body, RiderPause):
        if not rider.paused or (client != body.rider and not by_other):
            out.count("rider.paused", body.at)
            dispatch.riders.pause(rider, client, dispatch.now_ms)
            for name in [held for held in rider.orders if dispatch.orders.open[held].state is OFFERED]:
                release(dispatch, dispatch.orders.open[name], now, out, "rider paused")
    elif by_other and client == body.rider:
        return Refusal(Reason.NOT_YOURS, "rider", f"{rider.paused} has paused you, and resumes you")
    elif rider.paused:
        dispatch.riders.pause(rider, "", dispatch.now_ms)
        if not rider.orders:
            dispatch.advice.due.append(rider.id)
    dispatch.changed = True
    return None

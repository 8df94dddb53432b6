"""Why this rider: one plain sentence with the figures that decided."""

from collections.abc import Mapping, Sequence

from .candidates import CandidateCost


def why_rider(chosen: CandidateCost, options: Sequence[CandidateCost], serves: Mapping[str, str], now_ms: int) -> str:
    """Why this rider takes the order. `serves` is the order that each rider got in the round."""
    pickup = duration((chosen.pickup_ms - now_ms) // 1000)
    dropoff = duration((chosen.dropoff_ms - now_ms) // 1000)
    free = f", free in {duration(chosen.free_in_s)}," if chosen.free_in_s else ""
    together = f" fetches it together with {_and(chosen.bundle)}: it" if chosen.bundle else ""
    times = f"can pick up in {pickup} and drop off in {dropoff}"
    start = f"{chosen.rider}{free}{together} {times} at a cost of {chosen.total} s"
    other = next((option for option in options if option.rider != chosen.rider), None)
    if other is None:
        return f"{start}; nobody else could take it."
    if other.total >= chosen.total:
        return f"{start}; the next best, {other.rider}, costs {other.total} s."
    if other.rider in serves:
        return f"{start}; {other.rider} would cost {other.total} s, but serves {serves[other.rider]} better."
    return f"{start}; {other.rider} would cost {other.total} s, but the round as a whole is served better this way."


def why_nobody(options: Sequence[CandidateCost], serves: Mapping[str, str], idle: int, busy: int) -> str:
    """Why nobody takes the order now."""
    if options:
        best = options[0]
        instead = f" {best.rider}, the best of them, serves {serves[best.rider]}." if best.rider in serves else ""
        return f"{_riders(len(options))} could take it, but other orders need them more.{instead}"
    if idle + busy == 0:
        return "No rider is free, and none will be soon."
    return (
        f"Of {_riders(idle)} free and {busy} soon free, none is near enough, recently seen, "
        f"on shift until the pickup and not excluded by an earlier answer."
    )


def why_later(ahead_s: int) -> str:
    """Why an order for later is not offered yet."""
    return f"It is ready in {duration(ahead_s)}: too early to bind a rider."


def duration(seconds: int) -> str:
    """Hours, minutes and seconds, without the parts that are nothing."""
    if seconds < 60:
        return f"{max(0, seconds)} s"
    minutes, left = divmod(seconds, 60)
    end = f" {left} s" if left else ""
    if minutes < 60:
        return f"{minutes} min{end}"
    hours, rest = divmod(minutes, 60)
    return f"{hours} h {rest} min{end}" if rest else f"{hours} h{end}"


def _riders(count: int) -> str:
    return "1 rider" if count == 1 else f"{count} riders"


def _and(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"

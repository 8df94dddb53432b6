"""How an invariant fails."""

from collections.abc import Callable


class Broken(AssertionError):
    """An invariant that does not hold."""

    def __init__(self, invariant: str, detail: str) -> None:
        super().__init__(f"{invariant}: {detail}")
        self.invariant = invariant


def need(condition: object, invariant: str, detail: Callable[[], str]) -> None:
    if not condition:
        raise Broken(invariant, detail())

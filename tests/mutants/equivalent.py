"""Mutants that no test can catch, since they behave as the code does; each with its reason.

A key is the file, its line, and the line that the mutant has instead, without the space around them.
"""

EQUIVALENT: dict[tuple[str, str, str], str] = {
    (
        "edge/messages/coordinates.py",
        "moved = _CONVERSIONS[source, target](prcoords.Coords(lat, lon), False)  # the check was made above",
        "moved = _CONVERSIONS[source, target](prcoords.Coords(lat, lon), True)  # the check was made above",
    ): "the library's own check lets everything through that ours lets through",
}

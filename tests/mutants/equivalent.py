"""Mutants that no test can catch, since they behave as the code does; each with its reason.

A key is the file, its line, and the line that the mutant has instead, without the space around them.
"""

EQUIVALENT: dict[tuple[str, str, str], str] = {
    (
        "edge/mqtt/server/acks.py",
        "self.text_bytes_max = 0",
        "self.text_bytes_max = (-1)",
    ): "no packet has fewer bytes than one",
    (
        "edge/messages/coordinates.py",
        "moved_lat, moved_lon = _wgs_gcj((lat, lon), False)  # checked above",
        "moved_lat, moved_lon = _wgs_gcj((lat, lon), True)  # checked above",
    ): "the library's own check lets everything through that ours lets through",
}

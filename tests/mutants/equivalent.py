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
        "moved_lat, moved_lon = _wgs_gcj()((lat, lon), False)  # checked above",
        "moved_lat, moved_lon = _wgs_gcj()((lat, lon), True)  # checked above",
    ): "the library's own check lets everything through that ours lets through",
    (
        "edge/core/effects.py",
        "packed_clients[name] = True",
        "packed_clients[name] = False",
    ): "only the keys are looked at: it is a set that keeps its sequence",
    (
        "edge/core/node.py",
        "self._packed.update(dict.fromkeys(state.packed_clients, True))",
        "self._packed.update(dict.fromkeys(state.packed_clients, False))",
    ): "only the keys are looked at: it is a set that keeps its sequence",
    (
        "edge/mqtt/server/outbound.py",
        "self._properties = True",
        "self._properties = False",
    ): "`connect` states it before anything is written",
    (
        "edge/mqtt/server/outbound.py",
        "if not 0 < left <= _EXPIRY_S_MAX:",
        "if not 1 < left <= _EXPIRY_S_MAX:",
    ): "the next line leaves 1 as it is",
    (
        "edge/mqtt/server/outbound.py",
        "if not 0 < left <= _EXPIRY_S_MAX:",
        "if not 0 < left < _EXPIRY_S_MAX:",
    ): "the next line leaves the greatest as it is",
    (
        "edge/scenarios/dispatch/decide/round_plan.py",
        "orders.sort(key=lambda index: (self.orders[index].pickup_ms, self.orders[index].dropoff_ms, index))",
        "orders.sort(key=lambda index: (self.orders[index].pickup_ms, self.orders[index].dropoff_ms,))",
    ): "they come by index, and the sort is stable",
}

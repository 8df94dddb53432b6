"""A session as vectors (sdk/protocol): what the pages sent, what came back, to be played to another node."""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

STEPS_MAX: Final = 10_000
"""Of one recording; what comes after is not kept."""

KEPT: Final = ("order", "state", "offer", "reason", "sku", "price_cents", "count")
"""Fields of answers that are the same in any other run. Times are not."""


class Recording:
    """Steps in the sequence in which the pages sent them, written anew with each."""

    def __init__(self, path: Path, roles: Mapping[str, str]) -> None:
        self._path = path
        self._clients = {name: [role] for name, role in roles.items()}
        self._clock = time.time_ns() // 1_000_000
        self._steps: list[dict[str, Any]] = []

    def take(self, message: Mapping[str, Any]) -> None:
        """One message that went by: `client`, `up`, `kind`, `qos`, `body`. Raises OSError."""
        client, kind, body = message["client"], message["kind"], message["body"]
        if client not in self._clients or not isinstance(body, dict) or len(self._steps) >= STEPS_MAX:
            return
        if message["up"]:
            step: dict[str, Any] = {"about": f"{client} sends {kind}", "client": client, "kind": kind, "payload": body}
            if not message["qos"]:
                step["qos"] = 0
            elif any(each["payload"].get("id") == body.get("id") for each in self._steps):
                return  # sent once more, since its receipt was late
            self._steps.append(step)
        elif kind == "receipt":
            for step in self._steps:
                if step["payload"].get("id") == body.get("id"):
                    step["receipt"] = {name: body[name] for name in ("id", "of", "status", "reason") if name in body}
        elif self._steps and kind in ("update", "assignment"):
            has = {name: body[name] for name in KEPT if name in body}
            entry = {"client": client, "kind": kind, "has": has}
            then = self._steps[-1].setdefault("then", [])
            if entry not in then:
                then.append(entry)
        self._write()

    def _write(self) -> None:
        document = {
            "about": "Recorded with doorstep dev.",
            "clock": self._clock,
            "clients": self._clients,
            "options": {"shops": ["*"]},
            "steps": self._steps,
        }
        self._path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")

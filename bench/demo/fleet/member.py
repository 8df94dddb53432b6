"""One node of several: it is enrolled at their centre, and reaches it by a way of its own that can be cut."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Self

from edge.errors import DoorstepError

from ...lab.settings import NO_ROLES, Options
from ...lab.site import Site
from .centre import RunCentre


class Member(Site):
    """Its centre is not its own: it neither configures nor starts nor stops that."""

    def __init__(self, folder: Path, node: str, centre: RunCentre) -> None:
        super().__init__(folder, node)
        self.scheme = "mqtts"
        self.centre.stopped = True
        self.centre_port, self.api_port = centre.port, centre.api_port
        self.centre_data = centre.data
        self._shared = centre

    def enrol(self, invitation: str) -> None:
        """Get its certificate. Raises DoorstepError."""
        self.configure()
        done = self.command("enroll", invitation, "--config", "edge.toml")
        if done.returncode:
            raise DoorstepError(f"{self.node_name} could not be enrolled: {done.stderr.strip()}")

    def configure(
        self,
        clients: Iterable[str] | Mapping[str, str] = (),
        options: Options | None = None,
        *,
        centre: bool = False,
        roles: Mapping[str, str] = NO_ROLES,
    ) -> Self:
        """Write what the node needs."""
        del centre
        return super().configure(clients, options, roles=roles, centre=False)

    def summary(self) -> dict[str, Any]:
        """What the centre has of this node. Raises OSError while it does not answer."""
        return {"events": self._shared.events(self.node_name)}

"""All looks, in the order in which a start would come upon what they look at."""

from pathlib import Path

from msgspec import Struct

from ..service.datadir import holder
from . import configuration, doors, files, machine, peers
from .finding import Report


class Wishes(Struct, frozen=True, kw_only=True):
    """What the caller gives beside the configuration. `public` are URLs that phones connect to, whose certificate the
    system (or the file `public_ca`) must know."""

    orders_per_day: int
    public: tuple[str, ...] = ()
    public_ca: str = ""
    offline: bool = False
    """Peers are not tried."""


def look(path: Path, wishes: Wishes) -> Report:
    """Everything that can be known before a start. Nothing is changed, but for a file in the data directory's disk that
    is gone again. Where a node runs on the data directory already, its ports, disk and peers are not tried beside it:
    its status has them."""
    report = Report()
    config = configuration.examine(path, report)
    if config is None:
        return report
    files.identities(config, report)
    files.secrets(path, config, report)
    names = [host for url in wishes.public if (host := peers.host_of(url))]
    doors.certificate(path, config, names, report)
    doors.authority(config, report)
    files.enrolment(config, report)
    folder = files.data_directory(config, report)
    machine.clock(report)
    machine.descriptors(report)
    if process := holder(Path(config.data_dir)):
        report.facts["running"] = f"process {process}: its ports and peers are in doorstep status"
    else:
        doors.ports(config, report)
        if not wishes.offline:
            peers.uplink(str(path), config, report)
            peers.broker(str(path), config, report)
    if folder is not None:
        machine.disk(folder, config, wishes.orders_per_day, report)
    if not wishes.offline:
        for url in wishes.public:
            peers.public(url, wishes.public_ca, report)
    return report

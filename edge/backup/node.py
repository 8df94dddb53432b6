"""What a backup of a node has: everything that it needs to go on elsewhere."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from ..app.config import Config, load
from ..journal.reader import FILE_NAME as JOURNAL
from ..journal.reader import JournalReader
from ..scenarios.files import copies
from .copy import Database, Subject

FILES: Final = (
    "credentials token_keys token_revoked tls_cert tls_key link_token_file link_ca uplink_token_file uplink_ca "
    "webhook_secret_file webhook_ca metrics_token_file".split()
)
"""Options that name a file which a node needs. (`scenario_path` has programs, which come with their packages.)"""

BESIDE: Final = tuple(
    "instance drops status.token pseudonyms.key webhooks uplink.pem uplink.json settings.json".split()
)
"""Files of the data directory beside the journal."""


def subject(config_path: Path) -> Subject:
    """The node of this configuration. Raises DoorstepError where that, or the journal, cannot be used."""
    config = load(config_path)
    journal = Path(config.data_dir) / JOURNAL
    with JournalReader.open(journal):
        pass  # which refuses what is no journal
    return Subject("node", config.node, _files(config_path, config), [Database(journal, _rows)])


def _files(config_path: Path, config: Config) -> Iterable[Path]:
    yield config_path
    yield from (Path(path) for option in FILES if (path := getattr(config, option)) and Path(path).exists())
    yield from map(Path, config.files.values())
    yield from (path for name in BESIDE if (path := Path(config.data_dir) / name).exists())
    yield from copies(Path(config.data_dir), config.kinds)


def _rows(copy: Path) -> str:
    """Read every row and snapshot."""
    with JournalReader.open(copy) as reader:
        for kept in reader.snapshots():
            reader.snapshot(kept)
        _, base = reader.base()
        for _ in reader.rows(base):
            pass
        first, last = reader.bounds()
    return f"rows {first} to {last}"

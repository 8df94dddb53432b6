"""Tests of edge.app.webhooks: nothing where there is no receiver, and secrets that are read again."""

from types import SimpleNamespace
from typing import Any

import pytest

from edge.app.config import load
from edge.app.webhooks import Webhooks
from edge.errors import ConfigError
from edge.journal.journal import Journal
from edge.service.datadir import DataDir
from tests.edge.webhooks.receiver import OTHER, SECRET

URL = 'webhook_url = "https://app.example/"\nwebhook_secret_file = "secret"\n'


def config(folder, text: str = ""):
    path = folder / "edge.toml"
    path.write_text(f'node = "n-1"\n{text}', encoding="utf-8")
    return str(path), load(path)


async def test_without_a_receiver_nothing_is_made(tmp_path) -> None:
    """No file, no task, nothing to close."""
    with DataDir.open(tmp_path / "data") as data:
        webhooks = Webhooks(*config(tmp_path), data)
        nothing: Any = SimpleNamespace()
        assert await webhooks.open(nothing, nothing, nothing) is None
        await webhooks.close()
        assert not (data.path / "webhooks").exists()


async def test_secrets_are_read_again_or_stay(tmp_path) -> None:
    """What is signed after a reload is signed with them; a file that is none changes nothing."""
    secret = tmp_path / "secret"
    secret.touch(0o600)
    secret.write_text(SECRET)
    path, found = config(tmp_path, URL)
    with DataDir.open(tmp_path / "data") as data:
        Journal.open(data.path / "journal.sqlite3").close()
        webhooks = Webhooks(path, found, data)
        registered: list[str] = []
        pipeline: Any = SimpleNamespace(committed=0, on_shown=lambda: None)
        clock: Any = SimpleNamespace(now=lambda: SimpleNamespace(wall_ms=0))
        status: Any = SimpleNamespace(register=lambda name, _: registered.append(name), problems=lambda _: None)
        sender = await webhooks.open(pipeline, clock, status)
        assert sender is not None
        assert registered == ["webhooks"]
        secret.write_text(f"{SECRET} {OTHER}")
        webhooks.read(found)
        assert len(sender.target.secrets) == 2
        secret.write_text("none")
        with pytest.raises(ConfigError, match="webhook_secret_file"):
            webhooks.read(found)
        assert len(sender.target.secrets) == 2
        pipeline.on_shown()
        await webhooks.close()

"""`doorstep central rollout` and `group` as an operator calls them, beside a running centre or without one."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from central.command import central
from central.rollout.rollouts import Rollouts
from central.store.open import open_store
from edge.messages.sync.settings import SETTINGS_CHARACTERS_MAX, SETTINGS_STATE, SettingsState, encode, signed_bytes
from edge.mqtt.seam import Publish
from tests.central.stores import START, ask, hello


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A centre that invites, at which two nodes have reported their settings."""
    path = tmp_path / "central.toml"
    path.write_text(
        'name = "hq"\ndata_dir = "data"\nlisten_tls = "127.0.0.1:8884"\nadvertised_address = "centre.example:8884"\n',
        encoding="utf-8",
    )
    (tmp_path / "data").mkdir(mode=0o700)
    store = open_store(tmp_path / "data")
    for node in ("n-1", "n-2"):
        ask(store, hello(node))
        Rollouts(store).reported(Publish(node, SETTINGS_STATE, encode(SettingsState(at=1)), 1, 1), START)
    store.close()
    (tmp_path / "evening.toml").write_text("retention_days = 3\n", encoding="utf-8")
    return path


def call(config: Path, *words: str) -> Result:
    """The command's outcome."""
    words = tuple(str(config.parent / word) if word.endswith(".toml") else word for word in words)
    return CliRunner().invoke(central, [*words, "--config", str(config)])


def test_a_rollout_begins_is_shown_and_stops(config: Path) -> None:
    """The newest takes the place of the one that runs; a second stop finds none."""
    assert "Nothing was rolled out" in call(config, "rollout", "status").output
    assert (
        "Roll-out 1 to all has begun, in stages 1, 10%, all." in call(config, "rollout", "start", "evening.toml").output
    )
    assert call(config, "rollout", "start", "evening.toml", "--stages", "all").exit_code == 0
    second, first = json.loads(call(config, "rollout", "status", "--json").output)
    assert (first["state"], first["why"]) == ("replaced", "roll-out 2 took its place")
    assert (second["state"], second["stages"], second["nodes"]) == ("running", ["all"], {})
    assert call(config, "rollout", "stop").exit_code == 0
    assert "2  all" in call(config, "rollout", "status").output
    assert "stopped: by " in call(config, "rollout", "status").output
    assert "No roll-out runs" in str(call(config, "rollout", "stop").exception)


def test_a_version_that_counts_is_taken_back(config: Path) -> None:
    """Not while something runs, and not where nothing counts."""
    assert "Nothing was rolled out" in str(call(config, "rollout", "back").exception)
    call(config, "rollout", "start", "evening.toml")
    store = open_store(config.parent / "data")
    store.driver.run("update rollout set state = 'done' where id = 1")
    store.close()
    call(config, "rollout", "start", "evening.toml")
    assert "cannot be taken back" in str(call(config, "rollout", "back").exception)
    call(config, "rollout", "stop")
    assert "Version 1 counts no more" in call(config, "rollout", "back").output
    assert "taken back by" in call(config, "rollout", "status").output


def test_versions_are_signed_by_the_centres_authority(config: Path) -> None:
    """Also the empty one, to which nodes go back that had nothing before."""
    call(config, "rollout", "start", "evening.toml")
    store = open_store(config.parent / "data")
    rows = store.driver.rows("select id, options, signature, signer from rollout order by id")
    store.close()
    assert [row[:2] for row in rows] == [(0, ""), (1, "retention_days = 3\n")]
    for number, options, signature, signer in rows:
        key = x509.load_der_x509_certificate(bytes(signer)).public_key()
        assert isinstance(key, ec.EllipticCurvePublicKey)
        key.verify(bytes(signature), signed_bytes("hq", number, options), ec.ECDSA(hashes.SHA256()))


@pytest.mark.parametrize(
    ("content", "words", "expected"),
    [
        ("retention_days = \n", (), "Write options in TOML"),
        (f"# {'x' * SETTINGS_CHARACTERS_MAX}", (), "Leave comments out"),
        ("", ("--stages", "1,some"), "no stage"),
        ("", ("--deadline", "1y"), "number and m, h or d"),
    ],
)
def test_what_cannot_be_pushed_is_refused(config: Path, content: str, words: tuple[str, ...], expected: str) -> None:
    """With what to do, and nothing begins."""
    (config.parent / "evening.toml").write_text(content, encoding="utf-8")
    result = call(config, "rollout", "start", "evening.toml", *words)
    assert result.exit_code != 0
    assert expected in f"{result.output}{result.exception}"
    assert "Nothing was rolled out" in call(config, "rollout", "status").output


def test_nodes_are_put_into_groups(config: Path) -> None:
    """All or none; who was never there cannot be."""
    assert call(config, "group").output == "all: n-1 n-2\n"
    assert call(config, "group", "n-2", "--to", "cafes").output == "all: n-1\ncafes: n-2\n"
    failed = call(config, "group", "n-1", "n-9", "--to", "cafes")
    assert "n-9: the centre knows no settings" in str(failed.exception)
    assert call(config, "group").output == "all: n-1\ncafes: n-2\n"
    assert call(config, "group", "n-1").exit_code == 2
    assert call(config, "group", "n-1", "--to", "A b").exit_code == 2

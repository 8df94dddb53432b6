"""Tests of edge.app.config."""

from pathlib import Path

import msgspec
import numpy as np
import pytest

from edge.app.config import RELOADABLE, Config, Options, differing, load, reloaded
from edge.errors import ConfigError
from edge.scenarios.dispatch.options import DispatchOptions
from edge.scenarios.dispatch.travel.cells import cell_at
from edge.scenarios.dispatch.travel.table import kept, packed


def write(tmp_path, text: str):
    path = tmp_path / "edge.toml"
    path.write_text(text)
    return path


def test_one_line_is_a_configuration(tmp_path):
    """A node needs nothing but its name; paths are relative to the file."""
    config = load(write(tmp_path, 'node = "shop-7"\n'))
    assert config.node == "shop-7"
    assert config.data_dir == str(tmp_path / "data")
    assert config.rules().node == "shop-7"
    assert dispatch(config) == DispatchOptions()


def dispatch(config: Config) -> DispatchOptions:
    """The options of dispatch as the core gets them."""
    return msgspec.msgpack.decode(config.rules().scenarios["dispatch"], type=DispatchOptions)


def test_a_section_is_for_its_scenario(tmp_path):
    """The section of a scenario is checked against its options, and the core gets it."""
    config = load(write(tmp_path, 'node = "n"\n[dispatch]\nreply_s = 20\n'))
    assert dispatch(config) == DispatchOptions(reply_s=20)


def test_a_file_of_a_section_becomes_its_checksum(tmp_path):
    """The core gets what the file holds, by its name; another content is another value, as a reload sees it."""
    cells = [cell_at(52.5, 13.4, 9)]
    found = []
    for seconds in (1, 2):
        (tmp_path / "streets.table").write_bytes(packed(9, cells, np.full((1, 1), seconds, np.uint16)))
        config = load(write(tmp_path, 'node = "n"\n[dispatch]\ntravel_table = "streets.table"\n'))
        table = kept(dispatch(config).travel_table)
        assert table is not None
        assert table.seconds.tolist() == [[seconds]]
        assert list(config.files.values()) == [str(tmp_path / "streets.table")]
        found.append(config)
    assert differing(*found) == ["dispatch.travel_table"]


def test_a_scenario_may_come_fromafolder(tmp_path):
    """`scenario_path` names a folder with packages, relative to the file."""
    package = tmp_path / "scenarios" / "fromafolder"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(
        "from edge.core.scenario import Scenario\n\n\nclass Mine(Scenario):\n    name = 'fromafolder'\n"
        "    messages = ()\n\n\nSCENARIO = Mine\n"
    )
    text = 'node = "n"\nscenario_path = "scenarios"\nscenarios = ["dispatch", "fromafolder"]\n'
    config = load(write(tmp_path, text))
    assert [kind.name for kind in config.kinds] == ["dispatch", "fromafolder"]
    assert set(config.rules().scenarios) == {"dispatch", "fromafolder"}


def test_a_reload_keeps_what_needs_a_restart():
    """Options that a reload cannot apply keep their value and are named; sections apply."""
    old = Config(node="n", listen="127.0.0.1:1883", messages_burst=5)
    new = Config(node="n", listen="127.0.0.1:1884", messages_burst=6, sections={"dispatch": DispatchOptions(reply_s=9)})
    config, named = reloaded(old, new)
    assert named == ["listen"]
    assert (config.listen, config.messages_burst) == ("127.0.0.1:1883", 6)
    assert dispatch(config).reply_s == 9


@pytest.mark.parametrize(
    ("before", "after", "kept"), [("a", "b", "b"), ("", "b", ""), ("a", "", "a")], ids=["another", "new", "gone"]
)
def test_a_token_file_may_change_but_not_come_or_go(before, after, kept):
    """With or without a token the node has another name at the other end, which needs a restart."""
    old = Config(node="n", uplink_token_file=before)
    config, named = reloaded(old, Config(node="n", uplink_token_file=after))
    assert config.uplink_token_file == kept
    assert named == ([] if kept == after else ["uplink_token_file"])


@pytest.mark.parametrize(
    ("text", "field", "hint"),
    [
        ("", "node", "missing"),
        ('node = "Shop 7"', "node", "lower-case"),
        ('node = "n"\nlisten = "1883"', "listen", "host:port"),
        ('node = "n"\nlisten_tls = "0.0.0.0:8883"', "listen_tls", "tls_cert"),
        ('node = "n"\nlisten_metrics = "0.0.0.0:9464"', "listen_metrics", "tls_cert"),
        (
            'node = "n"\nlisten_metrics = "0.0.0.0:9464"\ntls_cert = "c"\ntls_key = "k"',
            "listen_metrics",
            "metrics_token_file",
        ),
        ('node = "n"\nlisten = ""', "listen", "No client could"),
        ('node = "n"\nanonymous = true\nlisten = "0.0.0.0:1883"', "listen", "loopback"),
        ('node = "n"\nstatus_listen = "0.0.0.0:80"', "status_listen", "loopback"),
        ('node = "n"\nuplink = "http://x"', "uplink", "mqtt://"),
        ('node = "n"\nretention_days = 0', "retention_days", "more than 0"),
        ('node = "n"\nretention = 3', "retention", "Did you mean retention_days?"),
        ('node = "n"\nwebhook_kind = []', "webhook_kind", "Did you mean webhook_kinds?"),
        ('node = "n"\n[mqtt]\nport = 1', "[mqtt]", "only scenarios have sections"),
        ('node = "n"\nreply_s = 20', "reply_s", "belongs to the scenario dispatch: write it below a line [dispatch]"),
        ('node = "n"\n[dispatch]\nreply_s = 1', "[dispatch] reply_s", "at least 5"),
        ('node = "n"\n[dispatch]\nreply = 20', "[dispatch] reply", "Did you mean reply_s?"),
        ('node = "n"\nscenarios = []', "scenarios", "Name each once"),
        ('node = "n"\nscenarios = ["labels", 5]', "scenarios", "A text is expected, not a whole number"),
        ('node = "n"\nscenarios = ["../x"]', "scenarios", "lower-case letters, digits and hyphens"),
        ('node = "n"\nscenario_path = "gone"', "scenarios", "no existing folder"),
        ('node = "n"\nlabels = 3', "labels", "write its options below a line [labels]"),
        ('node = "n"\nscenarios = ["teleport"]', "scenarios", "There is no scenario 'teleport'"),
        ('node = "n"\nclock_wall_anchor_ms = 5', "clock_real_anchor_ms", "both anchors"),
    ],
)
def test_an_invalid_configuration_is_refused_with_a_hint(tmp_path, text, field, hint):
    """The error names the file, the field, the value and a hint, and asks for exit code 2."""
    path = write(tmp_path, text)
    with pytest.raises(ConfigError) as raised:
        load(path)
    assert raised.value.field == field
    assert hint in str(raised.value)
    assert str(path) in str(raised.value)
    assert raised.value.exit_code == 2


def test_reloadable_options_exist():
    """What is reloadable is an option."""
    assert set(Options.__struct_fields__) >= RELOADABLE


def test_what_differs_is_named(tmp_path: Path) -> None:
    """Options of the node and of its scenarios; one that is written out with its default is no change."""
    path = tmp_path / "edge.toml"
    texts = ['node = "n"\n', 'node = "n"\nretention_days = 3.0\nk_anonymity = 5\n[dispatch]\nreply_s = 30\n']
    configs = []
    for text in texts:
        path.write_text(text)
        configs.append(load(path))
    assert differing(*configs) == ["retention_days", "dispatch.reply_s"]


PUSHED = 'retention_days = 3\nshops = ["a"]\n[dispatch]\nreply_s = 30\n'


def test_what_the_centre_pushes_counts_before_the_file(tmp_path: Path) -> None:
    """Option by option, also inside a section; what it does not name stays the file's."""
    path = tmp_path / "edge.toml"
    path.write_text('node = "n-1"\nretention_days = 9\n[dispatch]\nreply_s = 90\nlate_s = 900\n', encoding="utf-8")
    config, own = load(path, PUSHED), load(path)
    assert (config.retention_days, config.shops, config.node) == (3, ["a"], "n-1")
    merged, before = config.sections["dispatch"], own.sections["dispatch"]
    assert isinstance(merged, DispatchOptions)
    assert isinstance(before, DispatchOptions)
    assert (merged.reply_s, merged.late_s, before.reply_s) == (30, 900, 90)


@pytest.mark.parametrize(
    ("pushed", "field"),
    [
        ('listen = "0.0.0.0:1883"', "listen"),
        ('credentials = "other"', "credentials"),
        ('uplink = "mqtts://elsewhere:1"', "uplink"),
        ('node = "n-2"', "node"),
        ("k_anonymity = 4", "k_anonymity"),
        ("retention_days = -1", "retention_days"),
        ("[dispatch]\nno_option = 1", "[dispatch] no_option"),
        ("[nothing]\na = 1", "[nothing]"),
        ("listen.a = 1", "[listen]"),
    ],
)
def test_what_stays_the_nodes_own_cannot_be_pushed(tmp_path: Path, pushed: str, field: str) -> None:
    """Listeners, files, the uplink, the name, less privacy than the operator's; and values that fit nothing."""
    path = tmp_path / "edge.toml"
    path.write_text('node = "n-1"\n', encoding="utf-8")
    with pytest.raises(ConfigError) as error:
        load(path, pushed)
    assert error.value.field == field

"""`doorstep check`, as an operator runs it."""

import json
from pathlib import Path

from click.testing import CliRunner, Result

from edge.cli.check import check
from tests.edge.preflight.setups import setup


def call(folder: Path, *arguments: str) -> Result:
    """The command on a folder's configuration."""
    return CliRunner().invoke(check, ["--config", str(folder / "edge.toml"), *arguments], env={"LC_ALL": "C"})


def test_a_good_setup_exits_with_0(tmp_path: Path) -> None:
    """The last line is that a node can start; the facts stand before it."""
    with setup(tmp_path) as site:
        site.write()
        result = call(tmp_path)
    assert result.exit_code == 0, result.output
    assert result.output.splitlines()[-1] == "A node can start with this."
    assert "disk sync p99 ms: " in result.output


def test_errors_come_first_and_are_counted(tmp_path: Path) -> None:
    """Exit 1; what hinders a start stands before what is only a risk, and is counted at the end."""
    with setup(tmp_path) as site:
        site.options |= {"clock_speed": 60.0, "k_anonymity": 1, "retention_days": -1}
        site.write()
        result = call(tmp_path)
    assert result.exit_code == 1
    kinds = [line.partition(":")[0] for line in result.output.splitlines() if line.startswith(("error:", "warning:"))]
    assert kinds[:2] == ["error", "error"]
    assert "warning" in kinds[2:]
    assert result.output.splitlines()[-1] == "2 to mend before a start."


def test_json_has_the_same(tmp_path: Path) -> None:
    """`ok`, findings with name, severity and text, and the facts."""
    with setup(tmp_path) as site:
        site.options["k_anonymity"] = 1
        site.write()
        result = call(tmp_path, "--json", "--offline")
    report = json.loads(result.output)
    assert result.exit_code == 1
    assert report["ok"] is False
    assert {"name", "severity", "text"} == set(report["findings"][0])
    assert report["facts"]["clients"] == 3


def test_without_a_configuration_it_names_where_to_get_one(tmp_path: Path) -> None:
    """The usual first mistake."""
    result = call(tmp_path)
    assert result.exit_code == 1
    assert "Copy deploy/edge.toml there" in result.output


def test_the_configuration_has_the_language(tmp_path: Path) -> None:
    """`lang` counts for everything that a person reads, also beside wrong options; `--json` is for programs."""
    with setup(tmp_path) as site:
        site.options |= {"lang": "zh-CN", "k_anonymity": 1}
        site.write()
        result, as_json = call(tmp_path, "--offline"), call(tmp_path, "--offline", "--json")
    assert result.exit_code == 1
    assert "错误：" in result.output
    assert "k_anonymity = 1 不能使用。应为整数，至少 2。" in result.output
    assert result.output.splitlines()[-1] == "启动前需要处理 1 处。"
    assert "A whole number of at least 2 is expected." in as_json.output

"""`doorstep status` against a real page: exit codes, output, and messages when no node answers."""

import json
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from edge.cli.status import status
from edge.service.datadir import DataDir
from tests.edge.web.feed import TOKEN, Feed, Served, served


@pytest.fixture
def site() -> Iterator[Served]:
    """A district after a minute, served."""
    feed = Feed()
    for _ in range(60):
        feed.step()
    with served(feed) as running:
        yield running


@pytest.fixture
def data_dir(site: Served, tmp_path: Path) -> Path:
    """The data directory of that node, as the node leaves it for others."""
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "ports.json").write_text(json.dumps({"status": site.port}))
    (folder / "status.token").write_text(TOKEN + "\n")
    return folder


def call(*arguments: str) -> Result:
    """The command, at a width at which nothing wraps by accident."""
    return CliRunner().invoke(status, list(arguments), env={"COLUMNS": "120", "LC_ALL": "C"})


def test_the_first_line_of_a_healthy_node_is_its_state(data_dir: Path, site: Served) -> None:
    """Exit 0; the first line is the state; latency, refusals, orders and the page's link follow."""
    result = call("--data-dir", str(data_dir))
    assert result.exit_code == 0
    lines = result.output.splitlines()
    assert lines[0].startswith("OK All is well")
    for words in ("shop-7", "commit", "too late", "malformed", "picked up", "batches acked", "3 of 4096"):
        assert words in result.output
    assert lines[-1] == f"page: {site.url} (at a terminal this is the whole link)"
    assert TOKEN not in result.output


def test_a_degraded_node_is_exit_1_with_every_problem(data_dir: Path, site: Served) -> None:
    """The worst problem is the first line, the others follow, and the exit code shows it."""
    site.feed.sync |= {"connected": False, "last_ack_age_s": 7200}
    site.feed.status.alarm("journal", "The disk is full. Free some space.", serving=False)
    result = call("--data-dir", str(data_dir))
    assert result.exit_code == 1
    assert result.output.startswith("DEGRADED The disk is full")
    assert "The centre has not been reached for 2 h" in result.output


def test_serving_is_whether_events_are_decided(data_dir: Path, site: Served) -> None:
    """With --serving a centre that is away is exit 0, a full disk exit 1 with its sentence as the only line."""
    site.feed.sync |= {"connected": False, "last_ack_age_s": 7200}
    result = call("--data-dir", str(data_dir), "--serving")
    assert (result.exit_code, result.output) == (0, "Events are decided.\n")
    site.feed.status.alarm("disk", "The disk is full. Free some space.", serving=False)
    result = call("--data-dir", str(data_dir), "--serving")
    assert result.exit_code == 1
    assert result.output.startswith("The disk is full. Free some space.")
    assert result.output.count("\n") == 1


def test_it_speaks_the_operators_language(data_dir: Path, site: Served) -> None:
    """That of the configuration; without one that of the environment. `--json` stays as it is."""
    config = data_dir.parent / "edge.toml"
    config.write_text('node = "shop-7"\nlisten = "127.0.0.1:0"\nlang = "zh-CN"\n')
    result = call("--config", str(config))
    assert result.output.startswith("一切正常 一切正常：事件在本机决定")
    for words in ("节点 shop-7", "落盘", "太晚", "格式错误", "已取餐", "已确认批次", "3 / 4096", "状态页："):
        assert words in result.output
    assert call("--config", str(config), "--serving").output == "事件照常处理。\n"
    assert '"sentence":"All is well' in call("--config", str(config), "--json").output
    there = CliRunner().invoke(status, ["--data-dir", str(data_dir), "--serving"], env={"LC_ALL": "zh_CN.UTF-8"})
    assert there.output == "事件照常处理。\n"
    gone = CliRunner().invoke(status, ["--data-dir", "no-such"], env={"LC_ALL": "zh_CN.UTF-8"})
    assert "没有正在运行、带状态页的节点" in gone.output


def test_a_plain_listener_for_others_is_a_warning(data_dir: Path, site: Served) -> None:
    """It stands below the state and leaves the exit code alone."""
    site.feed.status.register("process", lambda: {"link": {"plain_beyond_loopback": "listen"}})
    result = call("--data-dir", str(data_dir))
    assert result.exit_code == 0
    assert "warning: listen can be reached from other machines without TLS" in result.output


def test_json_is_the_report_as_it_is(data_dir: Path) -> None:
    """--json prints /api/status, nothing around it."""
    result = call("--data-dir", str(data_dir), "--json")
    assert result.exit_code == 0
    report = json.loads(result.output)
    assert report["node"] == "shop-7"
    assert report["queues"]["commit"]["limit"] == 4096


def test_the_configuration_leads_to_the_data_directory(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """--config, an edge.toml here, and the folder data here all find the node."""
    path = data_dir.parent / "edge.toml"
    monkeypatch.chdir(data_dir.parent)
    assert call().exit_code == 0
    path.write_text('node = "shop-7"\ndata_dir = "data"\nanonymous = true\n')
    assert call().exit_code == 0
    assert call("--config", str(path)).exit_code == 0


def test_the_link_of_the_page_is_enough(site: Served) -> None:
    """--url takes the link that the node prints; without its token the message names the token's file."""
    assert call("--url", site.link).exit_code == 0
    result = call("--url", site.url)
    assert result.exit_code == 2
    assert "status.token" in result.output


def test_no_node_is_exit_2_and_names_the_places_tried(tmp_path: Path) -> None:
    """An empty folder, and a port that nobody holds any more: both name the place and how to start."""
    result = call("--data-dir", str(tmp_path))
    assert result.exit_code == 2
    assert str(tmp_path) in result.output
    assert "doorstep edge --config" in result.output
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    (tmp_path / "ports.json").write_text(json.dumps({"status": port}))
    (tmp_path / "status.token").write_text(TOKEN)
    result = call("--data-dir", str(tmp_path))
    assert result.exit_code == 2
    assert f"No node answers at http://127.0.0.1:{port}" in result.output


def test_a_node_that_stands_still_is_no_node_that_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its directory is held and its page does not answer: the message names the process and what to do."""
    monkeypatch.setattr("edge.cli.status.TIMEOUT_S", 0.2)
    with DataDir.open(tmp_path) as held, socket.create_server(("127.0.0.1", 0)) as silent:
        held.write_ports({"status": silent.getsockname()[1]})
        (tmp_path / "status.token").write_text(TOKEN)
        result = call("--data-dir", str(tmp_path))
    assert result.exit_code == 2
    assert f"runs as process {os.getpid()} and does not answer" in result.output
    assert "Restart it" in result.output


@pytest.mark.parametrize("ports", ["", "{", "[]", "{}", '{"status": null}', '{"listen": 1883}'])
def test_a_broken_ports_file_is_exit_2(tmp_path: Path, ports: str) -> None:
    """Half a file, or one of a node without a page, is not a traceback."""
    (tmp_path / "ports.json").write_text(ports)
    (tmp_path / "status.token").write_text(TOKEN)
    result = call("--data-dir", str(tmp_path))
    assert result.exit_code == 2
    assert result.output.startswith("doorstep: ")


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nno",
        b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n",
        b"SSH-2.0-x\r\n",
        b"",
    ],
)
def test_another_program_on_the_port_is_exit_2(answer: bytes) -> None:
    """Something else that answers there is named as such."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def reply() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(answer)

        thread = threading.Thread(target=reply)
        thread.start()
        result = call("--url", f"http://127.0.0.1:{listener.getsockname()[1]}/?token=x")
        thread.join()
    assert result.exit_code == 2
    assert result.output.startswith("doorstep: ")


@pytest.mark.parametrize(
    "arguments",
    [
        ("--url", "ftp://x"),
        ("--url", "127.0.0.1:80"),
        ("--url", "http://a", "--data-dir", "b"),
        ("--serving", "--json"),
    ],
)
def test_options_that_make_no_sense_are_exit_2(arguments: tuple[str, ...]) -> None:
    """A wrong address and two places at once are usage errors."""
    assert call(*arguments).exit_code == 2


def test_help_has_examples() -> None:
    """--help shows every option, the exit codes and examples."""
    result = call("--help")
    assert result.exit_code == 0
    for words in (
        "--config",
        "--data-dir",
        "--url",
        "--serving",
        "--json",
        "Exit code",
        "doorstep status --data-dir data --json",
    ):
        assert words in result.output

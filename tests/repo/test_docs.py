"""Documentation that cannot rot: commands, options, problems, messages, links, examples are compared with the code."""

import ast
import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import Any, Final
from urllib.parse import unquote

import click
import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from edge.__main__ import cli
from edge.errors import Reason
from edge.health.checks import STALL_CHECKS
from tests.repo.project import ROOT, files, sources, tree

PAGES: Final = [name for name in files() if name.endswith(".md")]
DOCS: Final = [name for name in PAGES if name == "README.md" or name.startswith("docs/")]
TEXT: Final = {name: (ROOT / name).read_text(encoding="utf-8") for name in PAGES}

README_LINES_MAX: Final = 150
IMAGE_BYTES_MAX: Final = 300_000
TIMEOUT_S: Final = 30

ORDINARY: Final = frozenset(
    "apt cat cd chmod cp curl docker export git id install journalctl kill mkdir mosquitto mosquitto_passwd "
    "mosquitto_pub mosquitto_sub mv node npm openssl pip printf python3 ssh sudo systemctl systemd-analyze "
    "systemd-sysusers tar tee".split()
)

BIN: Final = Path(sys.executable).parent
ENVIRONMENT: Final = os.environ | {"PATH": f"{BIN}:{os.environ['PATH']}"}
"""In which `doorstep` and `python3` are those of the environment that runs the tests."""


def commands(group: click.Group = cli, above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command that does something, with the words that call it."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None, name
        if isinstance(command, click.Group):
            yield from commands(command, (*above, name))
        else:
            yield (*above, name), command


COMMANDS: Final = dict(commands())


def part(title: str) -> tuple[str, str]:
    """(page, text) of the one section of the documents with this heading, its subsections included."""
    found: list[tuple[str, str]] = []
    for page in DOCS:
        for match in re.finditer(rf"^(#+) {re.escape(title)}$", TEXT[page], re.MULTILINE):
            rest = TEXT[page][match.end() :]
            end = re.search(rf"^#{{1,{len(match[1])}}} ", _without_code(rest), re.MULTILINE)
            found.append((page, rest[: end.start()] if end else rest))
    assert len(found) == 1, f"{len(found)} sections of README.md and docs/ are called {title!r}: {found}"
    return found[0]


def _without_code(text: str) -> str:
    """The same length of text, with blanks instead of fenced code."""
    fence = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)
    return fence.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), text)


def section(words: tuple[str, ...]) -> tuple[str, str]:
    """(page, text) about one command: the measurements have a section each, other groups one for all."""
    return part(f"`doorstep {' '.join(words if words[0] == 'bench' else words[:1])}`")


def rows(text: str) -> list[list[str]]:
    """The cells of each row of the tables in a text, heads and rules left out."""
    found: list[list[str]] = []
    lines = text.splitlines()
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        if line.startswith("| ") and not re.match(r"\| *-", following) and not re.match(r"\| *-", line):
            found.append([cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]])
    return found


# -- commands ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_each_command_and_option_is_documented(words: tuple[str, ...]) -> None:
    """The section of a command names it and each of its options and arguments."""
    page, text = section(words)
    assert f"doorstep {' '.join(words)}" in text
    for parameter in COMMANDS[words].params:
        if isinstance(parameter, click.Option):
            if parameter.hidden or parameter.name == "help":
                continue
            assert any(f"`{option}" in text for option in parameter.opts), f"{page}: {words} lacks {parameter.opts}"
        else:
            metavar = parameter.make_metavar(click.Context(COMMANDS[words])).strip("[].")
            assert metavar in text, f"{page}: {words} lacks {metavar}"


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_each_option_has_a_description(words: tuple[str, ...]) -> None:
    """`--help` has a sentence for the command, an example, and words for each option."""
    command = COMMANDS[words]
    top = cli.get_command(click.Context(cli), words[0])
    assert command.help
    assert top is not None
    assert f"doorstep {' '.join(words)}" in f"{command.help}{top.help}", f"{words}: --help has no example"
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, f"{parameter.opts} of {words} has no help"


TITLES: Final = sorted(re.findall(r"^#+ `doorstep ([^`]+)`", "\n".join(TEXT[page] for page in DOCS), re.MULTILINE))


@pytest.mark.parametrize("title", TITLES)
def test_the_documents_name_no_command_or_option_that_is_gone(title: str) -> None:
    """Each section about a command is about one that exists, and so is each option in it."""
    words = tuple(title.split())
    known = {
        option for each, one in COMMANDS.items() if each[: len(words)] == words for p in one.params for option in p.opts
    }
    assert any(each[: len(words)] == words for each in COMMANDS), f"there is no doorstep {title}"
    page, text = section(words)
    written = set(re.findall(r"`(--[a-z-]+)", text))
    assert written <= known | {"--help"}, f"{page}: doorstep {title} has no {sorted(written - known)}"


def fenced() -> Iterator[tuple[str, str]]:
    """(page, command line) of every line in a ```sh block; continued lines and open quotes are joined."""
    for page in PAGES:
        for block in re.findall(r"^ *```sh\n(.*?)^ *```", TEXT[page], re.MULTILINE | re.DOTALL):
            line = ""
            for each in block.replace("\\\n", " ").splitlines():
                line = f"{line}\n{each}" if line else each.strip()
                if line.count("'") % 2 == 0:
                    if line and not line.startswith("#"):
                        yield page, line
                    line = ""
            assert not line, f"{page}: an open quote: {line}"


@pytest.mark.parametrize(("page", "line"), list(fenced()))
def test_fenced_commands_parse(page: str, line: str) -> None:
    """A command line in the documentation is one that the command, or the Makefile, understands."""
    for each in re.split(r" \| | && ", line):
        words = shlex.split(each, comments=True)
        words = words[: words.index(">")] if ">" in words else words
        words = [word for word in words if word != "&"]
        while words and (words[0] in ("sudo", "exec") or "=" in words[0] or words[0] in ("-u", "-n")):
            words = words[2:] if words[0] == "-u" else words[1:]
        if PurePosixPath(words[0]).name == "doorstep":
            _parse(words[1:], f"{page}: {line}")
        elif words[0] == "make":
            targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
            wanted = {word for word in words[1:] if "=" not in word}
            assert wanted <= targets, f"{page}: {line}: the Makefile has no {wanted - targets}"
        else:
            assert PurePosixPath(words[0]).name in ORDINARY, f"{page}: {line}: what is {words[0]}?"


def _parse(words: list[str], where: str) -> None:
    if words[:1] in (["--version"], ["--help"]):
        return
    command: click.Command = cli
    while isinstance(command, click.Group):
        found = command.get_command(click.Context(command), words[0])
        assert found is not None, f"{where}: there is no {words[0]}"
        command, words = found, words[1:]
    context = click.Context(command)
    left = command.make_parser(context).parse_args(list(words))[1]
    assert not left, f"{where}: {left} is not understood"


# -- examples that run -------------------------------------------------------------------------------------------------


def run_script(folder: Path, text: str) -> str:
    """What a document's commands print, run by a shell in `folder`; what they left in the background is ended."""
    with (folder / "out.txt").open("w+", encoding="utf-8") as out:
        shell = subprocess.Popen(
            ["/bin/sh", "-ec", text], cwd=folder, env=ENVIRONMENT, stdout=out, stderr=out, start_new_session=True
        )
        try:
            code = shell.wait(timeout=2 * TIMEOUT_S)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(shell.pid, signal.SIGTERM)
        out.seek(0)
        printed = out.read()
    assert code == 0, printed
    return printed


def free_ports() -> dict[str, int]:
    """Two ports that nobody listens on."""
    with socket.socket() as one, socket.socket() as two:
        for each in (one, two):
            each.bind(("127.0.0.1", 0))
        return {"mqtt": one.getsockname()[1], "page": two.getsockname()[1]}


def blocks(text: str, language: str) -> list[str]:
    """The fenced blocks of one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def until(condition: Callable[[], bool]) -> None:
    """Wait for something that another process does."""
    for _ in range(TIMEOUT_S * 20):
        if condition():
            return
        time.sleep(0.05)
    pytest.fail(f"it did not come within {TIMEOUT_S} s")


def connected(port: int) -> bool:
    """Whether somebody listens."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_the_quick_start_runs_as_written(tmp_path: Path, program: Callable[[str], str]) -> None:
    """The README's commands and its client, in an empty folder: the rider accepts, and the customer sees it."""
    program("mosquitto_pub")
    _, text = part("Quick start with your own client")
    _, start, ride, order, look = blocks(text, "sh")  # the first one installs
    ports = free_ports()
    (client,) = blocks(text, "python")
    (tmp_path / "rider.py").write_text(client.replace("1883", str(ports["mqtt"])), encoding="utf-8")
    ready = "until grep -q 'is ready' node.log; do sleep 0.1; done"
    shift = "until grep -q accepted rider.log; do sleep 0.1; done"
    steps = [start.replace("edge.toml &", "edge.toml > node.log 2>&1 &"), ready, ride, shift, order, look]
    whole = "\n".join(steps).replace("1883", str(ports["mqtt"])).replace("8080", str(ports["page"]))
    out = run_script(tmp_path, whole)
    assert '"status":"accepted"' in out
    assert '"promise"' in out
    assert '"state":"accepted"' in out
    assert "rider-12" in out
    assert "All is well" in out


def test_the_javascript_client_runs_as_written(tmp_path: Path, program: Callable[[str], str]) -> None:
    """The client of docs/wire.md places an order and prints its receipt."""
    modules = ROOT / "tests/interop/node_modules"
    node = program("node")
    if not modules.is_dir():
        pytest.skip("MQTT.js is not installed: make test installs it")
    (tmp_path / "node_modules").symlink_to(modules.resolve())
    (client,) = blocks(part("A client in JavaScript")[1], "js")
    (tmp_path / "customer.mjs").write_text(client, encoding="utf-8")
    with running_node(tmp_path, "phone-7") as (port, token):
        command = [node, "customer.mjs", f"mqtt://127.0.0.1:{port}", token]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=TIMEOUT_S, check=True)
    assert '"of":"order.place","status":"accepted"' in done.stdout


@contextmanager
def running_node(folder: Path, client: str) -> Iterator[tuple[int, str]]:
    """A node that one client may connect to. Its port, and the client's token."""
    ports = free_ports()
    port = ports["mqtt"]
    text = f'node = "shop-1"\nlisten = "127.0.0.1:{port}"\nstatus_listen = "127.0.0.1:{ports["page"]}"\n'
    (folder / "edge.toml").write_text(text, encoding="utf-8")
    add = [str(BIN / "doorstep"), "credential", "add", "--file", "credentials", "--role", "customer", client]
    added = subprocess.run(add, cwd=folder, env=ENVIRONMENT, check=True, capture_output=True, text=True)
    command = [str(BIN / "doorstep"), "edge", "--config", "edge.toml"]
    with subprocess.Popen(command, cwd=folder, env=ENVIRONMENT, stderr=subprocess.DEVNULL) as process:
        try:
            until(lambda: connected(port))
            yield port, added.stdout.strip()
        finally:
            process.terminate()


SHORT: Final = ("credential", "status", "explain", "replay", "scenario")
"""Commands that end by themselves within a second or so; the others have end-to-end tests of their own."""


def test_the_short_commands_run_as_written(tmp_path: Path) -> None:
    """In a folder with a node that has taken the order and the price of docs/wire.md, each ends with exit code 0."""
    lines = [line for page, line in fenced() if page in DOCS and line.split()[0] == "doorstep"]
    lines = [line for line in lines if line.split()[1] in SHORT]
    assert {line.split()[1] for line in lines} == set(SHORT)
    wrong: list[str] = []
    with running_node(tmp_path, "phone-7") as (port, token):
        client = paho.Client(CallbackAPIVersion.VERSION2)
        client.username_pw_set("phone-7", token)
        client.connect("127.0.0.1", port)
        client.loop_start()
        for kind in ("order.place", "price.set"):
            text = next(text for each, text in examples() if each == kind)
            client.publish(f"ds/shop-1/up/phone-7/{kind}", text, qos=1).wait_for_publish(TIMEOUT_S)
        client.disconnect()
        client.loop_stop()
        for line in lines:
            command = ["/bin/sh", "-c", line]
            done = subprocess.run(
                command, cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True, timeout=10 * TIMEOUT_S
            )
            # A second `scenario new` of one name finds its folder there: that one page has shown before.
            if done.returncode and not (line.startswith("doorstep scenario new") and (tmp_path / "tips").is_dir()):
                wrong.append(f"{line}: exit code {done.returncode}: {done.stderr.strip()}")
    assert not wrong, "\n".join(wrong)


def examples() -> list[tuple[str, str]]:
    """(kind, JSON) of each message towards the node in docs/wire.md: a heading that is a kind, then its blocks."""
    pattern = r"^### `([a-z]+\.[a-z]+)`\n(.*?)(?=^##)"
    found = re.findall(pattern, TEXT["docs/wire.md"], re.MULTILINE | re.DOTALL)
    return [(kind, block) for kind, text in found for block in blocks(text, "json")]


def test_the_examples_of_messages_are_valid(tmp_path: Path) -> None:
    """docs/wire.md has an example of each kind that a node knows, and none that it would call malformed."""
    receipts: dict[str, dict[str, Any]] = {}
    ids = [fields["id"] for _, text in examples() if "id" in (fields := json.loads(text))]
    assert len(set(ids)) == len(ids)
    subscribed = threading.Event()
    with running_node(tmp_path, "writer") as (port, token):
        client = paho.Client(CallbackAPIVersion.VERSION2)

        def subscribe(*_: Any) -> None:
            client.subscribe("ds/shop-1/down/writer/receipt", qos=1)

        def take(_client: Any, _data: Any, message: paho.MQTTMessage) -> None:
            receipt = json.loads(message.payload)
            receipts[receipt["id"]] = receipt

        client.on_connect, client.on_message = subscribe, take
        client.on_subscribe = lambda *_: subscribed.set()
        client.username_pw_set("writer", token)
        client.connect("127.0.0.1", port)
        client.loop_start()
        assert subscribed.wait(TIMEOUT_S)
        for kind, text in [*examples(), ("no.such", '{"id": "x-1"}')]:
            client.publish(f"ds/shop-1/up/writer/{kind}", text, qos=1)
        until(lambda: receipts.keys() >= {*ids, "x-1"})
        client.disconnect()
        client.loop_stop()
    known = receipts.pop("x-1")["detail"].removeprefix("known kinds: ").split(", ")
    assert set(known) == {kind for kind, _ in examples()}
    wrong = [one for one in receipts.values() if one.get("reason") in ("malformed", "unknown_kind")]
    assert not wrong


def test_every_block_of_json_is_json() -> None:
    """Also those that show what comes back."""
    for page in DOCS:
        for block in blocks(TEXT[page], "json"):
            assert isinstance(json.loads(block), dict), page


@pytest.mark.parametrize("page", [page for page in DOCS if blocks(TEXT[page], "toml")])
def test_every_block_of_toml_has_options_that_exist(page: str) -> None:
    """What a page asks to write into edge.toml is an option."""
    for block in blocks(TEXT[page], "toml"):
        unknown = tomllib.loads(block).keys() - shown_options()[""].keys() - shown_options().keys()
        assert not unknown, f"{page}: deploy/edge.toml has no {sorted(unknown)}"


# -- options, problems, reasons, limits --------------------------------------------------------------------------------


def shown_options() -> dict[str, dict[str, str]]:
    """The options of deploy/edge.toml by section ("" is the top), each with its default as it is written there."""
    found: dict[str, dict[str, str]] = {"": {}}
    current = found[""]
    for line in (ROOT / "deploy/edge.toml").read_text(encoding="utf-8").splitlines():
        if match := re.match(r"^(?:# ?)?\[([a-z][a-z0-9_]*)\]$", line):
            current = found.setdefault(match[1], {})
        elif match := re.match(r"^(?:# ?)?([a-z][a-z0-9_]*) = (.+)$", line):
            current[match[1]] = match[2]
    return found


def documented_options(title: str) -> dict[str, str]:
    """Option and default in the table of the section of this heading."""
    return {cells[0].strip("`"): cells[1].strip("`") for cells in rows(part(title)[1]) if cells[0].startswith("`")}


def test_every_option_of_the_node_is_documented() -> None:
    """docs/operating.md has each option of deploy/edge.toml with its default; sections have pages."""
    shown = shown_options()
    top = documented_options("Options of the node")
    assert top == shown[""] | {"node": "none"}
    for name in shown.keys() - {""}:
        assert documented_options(f"Options: `[{name}]`") == shown[name], name


def test_every_page_of_options_is_about_a_section() -> None:
    """A section that is gone from deploy/edge.toml has no table."""
    titles = {title for page in DOCS for title in re.findall(r"^#+ Options: `\[(\w+)\]`$", TEXT[page], re.MULTILINE)}
    assert titles == shown_options().keys() - {""}


def problem_names() -> set[str]:
    """The names of all problems that the node's code can report; `…` stands for what is only known when it happens."""
    names = {f"stall_{name}" for name in STALL_CHECKS} | {"certificate", "uplink_ca", "link_ca"}
    for source in sources("edge"):
        for node in ast.walk(tree(source)):
            if isinstance(node, ast.FunctionDef) and node.name == "problems" and source.startswith("edge/scenarios/"):
                maps = [each for each in ast.walk(node) if isinstance(each, ast.Dict)]
                names |= {ast.literal_eval(key) for each in maps for key in each.keys if key is not None}
            if isinstance(node, ast.Call) and node.args:
                called = node.func.attr if isinstance(node.func, ast.Attribute) else ast.unparse(node.func)
                first = node.args[0]
                if called not in ("Problem", "alarm"):
                    continue
                if isinstance(first, ast.Constant) and isinstance(first.value, str):
                    names.add(first.value)
                elif isinstance(first, ast.JoinedStr) and isinstance(first.values[0], ast.Constant):
                    names.add(f"{first.values[0].value}…")
    return names - {"stall_…"}


def test_every_problem_is_documented() -> None:
    """docs/problems.md has each name that the status can have, and no other."""
    written = {name for cells in rows(TEXT["docs/problems.md"]) for name in re.findall(r"`([a-z_0-9…-]+)`", cells[0])}
    written = {re.sub(r"^recovery-\d$", "recovery-…", name) for name in written}
    assert written == problem_names()


def test_every_reason_is_documented() -> None:
    """docs/wire.md has each reason for which a message is refused, in the sequence of edge/errors.py."""
    written = [cells[0].strip("`") for cells in rows(part("Refusals")[1])]
    assert written == [str(reason) for reason in Reason]


@pytest.mark.parametrize("name", sources("edge", "central"))
def test_every_limit_has_its_reason(name: str) -> None:
    """A docstring follows each bound, wherever it stands; bounds that stand together share one."""
    body = tree(name).body
    waiting: list[str] = []
    for node, following in zip(body, [*body[1:], None], strict=True):
        if isinstance(node, ast.AnnAssign) and _is_bound(name, ast.unparse(node.target)):
            waiting.append(ast.unparse(node.target))
            adjacent = isinstance(following, ast.AnnAssign) and following.lineno == (node.end_lineno or 0) + 1
            if not adjacent:
                assert isinstance(following, ast.Expr), f"{name}: {', '.join(waiting)} has no reason"
                waiting.clear()
    assert not waiting


def _is_bound(name: str, target: str) -> bool:
    return name == "edge/limits.py" or re.fullmatch(r"[A-Z][A-Z0-9_]*_(MAX|MIN)", target) is not None


def test_every_limit_is_used() -> None:
    """A bound that nothing reads bounds nothing."""
    names = [ast.unparse(node.target) for node in tree("edge/limits.py").body if isinstance(node, ast.AnnAssign)]
    code = "\n".join(
        (ROOT / name).read_text(encoding="utf-8")
        for name in files()
        if name.endswith(".py") and not name.startswith("tests/")
    )
    unused = [name for name in names if len(re.findall(rf"\b{name}\b", code)) < 2]
    assert not unused, f"edge/limits.py: nothing reads {', '.join(unused)}"


@pytest.mark.parametrize("cells", rows(part("By failure")[1]), ids=lambda cells: cells[0])
def test_what_can_be_lost_is_proved(cells: list[str]) -> None:
    """Each row of the table of failures in docs/guarantees.md links to a test that exists."""
    proofs = re.findall(r"\[`(test_\w+)`\]\(\.\./(tests/[\w/]+\.py)\)", cells[-1])
    assert proofs, f"nothing proves: {cells[0]}"
    for function, name in proofs:
        known = {node.name for node in tree(name).body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
        assert function in known, f"{name} has no {function}"


# -- pages and links ---------------------------------------------------------------------------------------------------


def test_the_readme_is_short() -> None:
    """It is the entrance, not the building."""
    assert len(TEXT["README.md"].splitlines()) <= README_LINES_MAX


def links(page: str) -> list[str]:
    """The targets of all links and images of a page, outside of code."""
    return re.findall(r"\]\(([^)\s]+)\)", re.sub(r"^ *```.*?^ *```", "", TEXT[page], flags=re.MULTILINE | re.DOTALL))


def test_every_page_and_image_is_linked() -> None:
    """From the README, page by page, one reaches every page and image of docs/."""
    reached: set[str] = set()
    waiting = ["README.md"]
    while waiting:
        page = waiting.pop()
        if page in reached:
            continue
        reached.add(page)
        for link in links(page) if page in TEXT else ():
            target = os.path.normpath((PurePosixPath(page).parent / unquote(link).partition("#")[0]).as_posix())
            waiting.append(page if link.startswith("#") else target)
    missing = {name for name in files() if name.startswith("docs/")} - reached
    assert not missing, f"nothing links to {sorted(missing)}"


def test_images_are_small() -> None:
    """A page loads at once on a slow line too."""
    large = [
        name for name in files() if name.startswith("docs/images/") and (ROOT / name).stat().st_size > IMAGE_BYTES_MAX
    ]
    assert not large


def anchors(page: str) -> set[str]:
    """The anchors that a Markdown page's headings make."""
    titles = re.findall(r"^#+ (.*)$", _without_code(TEXT[page]), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    """Each relative link names a tracked file or folder, and each anchor a heading."""
    for link in links(page):
        if link.startswith(("https://", "mailto:")):
            continue
        assert not link.startswith("http:"), f"{page}: {link} is not https"
        path, _, anchor = unquote(link).partition("#")
        target = (ROOT / page).parent / path if path else ROOT / page
        assert target.exists(), f"{page}: {link} leads nowhere"
        if anchor:
            assert anchor in anchors(str(target.resolve().relative_to(ROOT))), f"{page}: {link} has no such heading"

"""Documentation that cannot rot: commands, options, problems, reasons, links are compared with the code."""

import ast
import json
import os
import re
import shlex
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Final
from urllib.parse import unquote

import click

from central.config import Config
from edge.__main__ import cli
from edge.errors import Reason
from edge.health.checks import STALL_CHECKS
from tests.pages import DOCS, PAGES, TEXT, anchors, blocks, fenced, links, part, rows
from tests.repo.project import ROOT, expect_none, files, sources, tree

README_LINES_MAX: Final = 150
IMAGE_BYTES_MAX: Final = 300_000

ORDINARY: Final = frozenset(
    "apt cat cd chmod cp curl docker export git id install journalctl kill ln mkdir mosquitto mosquitto_passwd "
    "mosquitto_pub mosquitto_sub mv node npm openssl pg_dump pg_restore pip printf python3 ssh sudo systemctl "
    "systemd-analyze systemd-sysusers tar tee".split()
)


def commands(group: click.Group = cli, above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command that does something, with the words that call it."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None, name
        if isinstance(command, click.Group):
            yield from commands(command, (*above, name))
        if not isinstance(command, click.Group) or command.invoke_without_command:
            yield (*above, name), command


COMMANDS: Final = dict(commands())


def section(words: tuple[str, ...]) -> tuple[str, str]:
    """(page, text) about one command: a section of its own, as each measurement has, or that of its group."""
    if words[0] != "bench":
        own = [words[:count] for count in range(len(words), 0, -1)]
        words = next(
            (each for each in own if any(f"# `doorstep {' '.join(each)}`" in TEXT[page] for page in DOCS)), own[-1]
        )
    return part(f"`doorstep {' '.join(words)}`")


# -- commands ----------------------------------------------------------------------------------------------------------


def undocumented(words: tuple[str, ...], command: click.Command) -> Iterator[str]:
    """What the section of a command, or its `--help`, lacks."""
    page, text = section(words)
    name = f"doorstep {' '.join(words)}"
    top = cli.get_command(click.Context(cli), words[0])
    assert top is not None
    if name not in text:
        yield f"{page} does not name {name}"
    if not command.help or name not in f"{command.help}{top.help}":
        yield f"--help of {name} has no sentence or no example"
    for parameter in command.params:
        if not isinstance(parameter, click.Option):
            metavar = parameter.make_metavar(click.Context(command)).strip("[].")
            if metavar not in text:
                yield f"{page}: {name} lacks {metavar}"
        elif not parameter.help:
            yield f"{parameter.opts} of {name} has no help"
        elif not parameter.hidden and not any(f"`{option}" in text for option in parameter.opts):
            yield f"{page}: {name} lacks {parameter.opts}"


def test_each_command_and_option_is_documented() -> None:
    """The section of a command names it and each of its options and arguments; `--help` has a sentence for the command,
    an example, and words for each option."""
    expect_none(each for words, command in COMMANDS.items() for each in undocumented(words, command))


def test_the_documents_name_no_command_or_option_that_is_gone() -> None:
    """Each section about a command is about one that exists, and so is each option in it."""
    whole = "\n".join(TEXT[page] for page in DOCS)

    def gone(title: str) -> Iterator[str]:
        words = tuple(title.split())
        meant = [command for each, command in COMMANDS.items() if each[: len(words)] == words]
        if not meant:
            yield f"there is no doorstep {title}"
            return
        page, text = section(words)
        known = {"--help", *(option for command in meant for each in command.params for option in each.opts)}
        yield from (
            f"{page}: doorstep {title} has no {option}" for option in set(re.findall(r"`(--[a-z-]+)", text)) - known
        )

    expect_none(each for title in re.findall(r"^#+ `doorstep ([^`]+)`", whole, re.MULTILINE) for each in gone(title))


def test_fenced_commands_parse() -> None:
    """A command line in the documentation is one that the command, or the Makefile, understands."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))

    def not_understood(line: str) -> Iterator[str]:
        for each in re.split(r" \| | && ", line):
            words = shlex.split(each, comments=True)
            words = words[: words.index(">")] if ">" in words else words
            words = [word for word in words if word != "&"]
            while words and (
                words[0] in ("sudo", "runuser", "exec", "--") or "=" in words[0] or words[0] in ("-u", "-n")
            ):
                words = words[2:] if words[0] == "-u" else words[1:]
            if PurePosixPath(words[0]).name == "doorstep":
                yield from _left_over(words[1:])
            elif words[0] == "make":
                yield from (word for word in words[1:] if "=" not in word and word not in targets)
            elif PurePosixPath(words[0]).name not in ORDINARY:
                yield words[0]

    expect_none(f"{page}: {line}: what is {word}?" for page, line in fenced() for word in not_understood(line))


def _left_over(words: list[str]) -> list[str]:
    """What `doorstep` does not understand of its arguments."""
    if words[:1] in (["--version"], ["--help"]):
        return []
    command: click.Command = cli
    while isinstance(command, click.Group) and not (command.invoke_without_command and words[0].startswith("-")):
        found = command.get_command(click.Context(command), words[0])
        if found is None:
            return words[:1]
        command, words = found, words[1:]
    try:
        return command.make_parser(click.Context(command)).parse_args(list(words))[1]
    except click.UsageError as error:
        return [error.format_message()]


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
    """docs/operating.md has each option of deploy/edge.toml with its default; each section has its table in a page."""
    shown = shown_options()
    titles = {title for page in DOCS for title in re.findall(r"^#+ Options: `\[(\w+)\]`$", TEXT[page], re.MULTILINE)}
    assert titles == shown.keys() - {""}
    assert documented_options("Options of the node") == shown[""] | {"node": "none"}
    assert {name: documented_options(f"Options: `[{name}]`") for name in titles} == {
        name: shown[name] for name in titles
    }


def test_every_block_of_json_and_toml_is_valid() -> None:
    """JSON is an object; what a page asks to write into edge.toml, or central.toml, is an option."""
    for page in DOCS:
        for block in blocks(TEXT[page], "json"):
            assert isinstance(json.loads(block), dict), page
    known = shown_options()[""].keys() | shown_options().keys() | set(Config.__struct_fields__)
    expect_none(
        f"{page}: neither deploy/edge.toml nor deploy/central.toml has {name}"
        for page in DOCS
        for block in blocks(TEXT[page], "toml")
        for name in tomllib.loads(block).keys() - known
    )


def problem_names() -> set[str]:
    """The names of all problems that the node's code can report; `…` stands for what is only known when it happens."""
    names = {f"stall_{name}" for name in STALL_CHECKS} | {"certificate", "uplink_certificate", "uplink_ca", "link_ca"}
    reporting = ("edge/scenarios/", "edge/webhooks/")
    for source in sources("edge"):
        for node in ast.walk(tree(source)):
            if isinstance(node, ast.FunctionDef) and node.name == "problems" and source.startswith(reporting):
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


def test_every_limit_has_its_reason() -> None:
    """A docstring follows each bound, wherever it stands; bounds that stand together share one."""

    def without_reason(name: str) -> Iterator[str]:
        body = tree(name).body
        waiting: list[str] = []
        for node, following in zip(body, [*body[1:], None], strict=True):
            if isinstance(node, ast.AnnAssign) and _is_bound(name, ast.unparse(node.target)):
                waiting.append(ast.unparse(node.target))
                if isinstance(following, ast.AnnAssign) and following.lineno == (node.end_lineno or 0) + 1:
                    continue
                if not isinstance(following, ast.Expr):
                    yield f"{name}: {', '.join(waiting)} has no reason"
                waiting = []
        yield from (f"{name}: {bound} has no reason" for bound in waiting)

    expect_none(each for name in sources("edge", "central") for each in without_reason(name))


def _is_bound(name: str, target: str) -> bool:
    return name == "edge/limits.py" or re.fullmatch(r"[A-Z][A-Z0-9_]*_(MAX|MIN)", target) is not None


def test_every_shared_limit_is_shared() -> None:
    """Two packages read it, or another bound beside it does. One that a single package reads stands there, and one that
    nothing reads bounds nothing."""
    readers: dict[str, set[str]] = {}
    for name in sources("edge", "central", "bench"):
        package = "/".join(name.split("/")[: 2 if name.startswith("edge/") else 1])
        for word in re.findall(r"[A-Z][A-Z0-9_]+", (ROOT / name).read_text(encoding="utf-8")):
            readers.setdefault(word, set()).add(package)
    made = Counter(re.findall(r"[A-Z][A-Z0-9_]+", (ROOT / "edge/limits.py").read_text(encoding="utf-8")))
    names = [ast.unparse(node.target) for node in tree("edge/limits.py").body if isinstance(node, ast.AnnAssign)]
    expect_none(
        f"edge/limits.py: {name} is read in {sorted(packages) or 'no package'} only"
        for name in names
        if len(packages := readers[name] - {"edge/limits.py"}) < 2 and made[name] < 2
    )


def test_what_can_be_lost_is_proved() -> None:
    """Each row of the table of failures in docs/guarantees.md links to a test that exists."""

    def unproved(cells: list[str]) -> Iterator[str]:
        proofs = re.findall(r"\[`(test_\w+)`\]\(\.\./(tests/[\w/]+\.py)\)", cells[-1])
        if not proofs:
            yield f"nothing proves: {cells[0]}"
        for function, name in proofs:
            known = {node.name for node in tree(name).body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
            if function not in known:
                yield f"{name} has no {function}"

    expect_none(each for cells in rows(part("By failure")[1]) for each in unproved(cells))


# -- pages and links ---------------------------------------------------------------------------------------------------


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


def test_the_readme_and_the_images_are_small() -> None:
    """The README is the entrance, not the building; a page loads at once on a slow line too."""
    assert len(TEXT["README.md"].splitlines()) <= README_LINES_MAX
    images = [name for name in files() if name.startswith("docs/images/")]
    expect_none(name for name in images if (ROOT / name).stat().st_size > IMAGE_BYTES_MAX)


def test_links_lead_somewhere() -> None:
    """Each relative link names a tracked file or folder, and each anchor a heading."""

    def dead(page: str, link: str) -> str:
        if link.startswith(("https://", "mailto:")):
            return ""
        if link.startswith("http:"):
            return "is not https"
        path, _, anchor = unquote(link).partition("#")
        target = (ROOT / page).parent / path if path else ROOT / page
        if not target.exists():
            return "leads nowhere"
        if anchor and anchor not in anchors(str(target.resolve().relative_to(ROOT))):
            return "has no such heading"
        return ""

    expect_none(f"{page}: {link} {why}" for page in PAGES for link in links(page) if (why := dead(page, link)))

"""Documentation that cannot rot: commands, options, limits, links and examples are compared with the code."""

import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import PurePosixPath
from urllib.parse import unquote

import click
import pytest

from edge.__main__ import cli
from tests.repo.project import ROOT, files, tree

PAGES = [name for name in files() if name.endswith(".md")]
README = (ROOT / "README.md").read_text(encoding="utf-8")
ORDINARY = frozenset(
    "apt cat cd chmod cp curl docker git id install journalctl kill mkdir mosquitto mosquitto_passwd mosquitto_pub "
    "mosquitto_sub mv openssl pip printf python3 ssh sudo systemctl systemd-analyze systemd-sysusers tar tee".split()
)


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


COMMANDS = dict(commands())


def section(name: str) -> str:
    """The part of the README about one top-level command."""
    match = re.search(rf"^### `doorstep {name}`.*?(?=^##)", README, re.MULTILINE | re.DOTALL)
    assert match, f"README.md has no section ### `doorstep {name}`"
    return match.group(0)


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_each_command_and_option_is_in_the_readme(words: tuple[str, ...]) -> None:
    """The README's section of a command names it and each of its options and arguments."""
    text = section(words[0])
    assert f"doorstep {' '.join(words)}" in text
    for parameter in COMMANDS[words].params:
        if isinstance(parameter, click.Option):
            if parameter.hidden or parameter.name == "help":
                continue
            assert any(f"`{option}" in text for option in parameter.opts), (
                f"{parameter.opts} of {words} is not in README.md"
            )
        else:
            metavar = parameter.make_metavar(click.Context(COMMANDS[words])).strip("[].")
            assert metavar in text, f"{metavar} of {words} is not in README.md"


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_each_option_says_what_it_does(words: tuple[str, ...]) -> None:
    """`--help` has a sentence for the command, an example, and words for each option."""
    command = COMMANDS[words]
    top = cli.get_command(click.Context(cli), words[0])
    assert command.help
    assert top is not None
    assert f"doorstep {' '.join(words)}" in f"{command.help}{top.help}", f"{words}: --help has no example"
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, f"{parameter.opts} of {words} has no help"


@pytest.mark.parametrize("name", {words[0]: None for words in COMMANDS})
def test_the_readme_names_no_option_that_is_gone(name: str) -> None:
    """Each option in a command's table exists."""
    known = {
        option for words, command in COMMANDS.items() if words[0] == name for p in command.params for option in p.opts
    }
    written = set(re.findall(r"`(--[a-z-]+)", section(name)))
    assert written <= known | {"--help"}, f"README.md: doorstep {name} has no {sorted(written - known)}"


def fenced() -> Iterator[tuple[str, str]]:
    """(page, command line) of every line in a ```sh block; continued lines are joined."""
    for page in PAGES:
        text = (ROOT / page).read_text(encoding="utf-8")
        for block in re.findall(r"^ *```sh\n(.*?)^ *```", text, re.MULTILINE | re.DOTALL):
            for line in block.replace("\\\n", " ").splitlines():
                if line.strip() and not line.lstrip().startswith("#"):
                    yield page, line.strip()


@pytest.mark.parametrize(("page", "line"), list(fenced()))
def test_fenced_commands_parse(page: str, line: str) -> None:
    """A command line in the documentation is one that the command, or the Makefile, understands."""
    for part in re.split(r" \| | && ", line):
        words = shlex.split(part, comments=True)
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


def test_every_limit_has_its_reason() -> None:
    """In edge/limits.py a docstring follows each bound; bounds that stand together share one."""
    body = tree("edge/limits.py").body
    waiting: list[str] = []
    for node, following in zip(body[1:], [*body[2:], None], strict=True):
        if isinstance(node, ast.AnnAssign):
            waiting.append(ast.unparse(node.target))
            adjacent = isinstance(following, ast.AnnAssign) and following.lineno == (node.end_lineno or 0) + 1
            if not adjacent:
                assert isinstance(following, ast.Expr), f"edge/limits.py: {', '.join(waiting)} has no reason"
                waiting.clear()
    assert not waiting


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


def losses() -> list[str]:
    """The lines of the README's table of what can be lost."""
    part = README[README.index("## What you can lose") :].split("\n## ")[0]
    return [line for line in part.splitlines() if line.startswith("| ") and not line.startswith(("| what ", "| ---"))]


@pytest.mark.parametrize("line", losses(), ids=lambda line: line.split("|")[1].strip())
def test_what_can_be_lost_is_proved(line: str) -> None:
    """Each line of "What you can lose" links to a test that exists."""
    proofs = re.findall(r"\[`(test_\w+)`\]\((tests/[\w/]+\.py)\)", line)
    assert proofs, f"nothing proves: {line}"
    for function, name in proofs:
        known = {node.name for node in tree(name).body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
        assert function in known, f"{name} has no {function}"


def anchors(page: str) -> set[str]:
    """The anchors that a Markdown page's headings make."""
    text = re.sub(r"^ *```.*?^ *```", "", (ROOT / page).read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    titles = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    """Each relative link names a tracked file or folder, and each anchor a heading."""
    text = re.sub(r"^ *```.*?^ *```", "", (ROOT / page).read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if link.startswith(("https://", "mailto:")):
            continue
        assert not link.startswith("http:"), f"{page}: {link} is not https"
        path, _, anchor = unquote(link).partition("#")
        target = (ROOT / page).parent / path if path else ROOT / page
        assert target.exists(), f"{page}: {link} leads nowhere"
        if anchor:
            assert anchor in anchors(str(target.resolve().relative_to(ROOT))), f"{page}: {link} has no such heading"

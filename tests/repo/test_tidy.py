"""Rules of the code base: purity, sizes, no dead files, nothing unfinished. Each rule lists everything that breaks it.

The rules' data stand in `[tool.doorstep]` of pyproject.toml.
"""

import ast
import re
from collections.abc import Iterator
from itertools import pairwise

from bench.command import QUESTIONS
from edge.__main__ import COMMANDS
from edge.scenarios.check.purity import impure_calls, is_impure, set_walks
from tests.repo.project import (
    PACKAGES,
    ROOT,
    RULES,
    expect_none,
    file_of,
    files,
    imports,
    matches,
    mirror,
    module_of,
    pure_files,
    settings,
    sources,
    tree,
)


def test_pure_files_are_pure() -> None:
    """They import nothing that reads clocks, sockets, files, randomness …, call nothing of the sort, import of our own
    only pure files, and never walk through a set, whose order differs between runs; no pattern of them is stale."""
    pure = set(pure_files())

    def impurities(name: str) -> Iterator[str]:
        for module, line in imports(name):
            ours = file_of(module) if module.split(".")[0] in PACKAGES else None
            if is_impure(module):
                yield f"{name}:{line} imports {module}"
            elif ours and ours not in pure and not _is_bare_package(ours):
                yield f"{name}:{line} imports {module}, which is not pure"
        yield from (f"{name}:{line} {what}" for line, what in impure_calls(tree(name)))
        yield from (f"{name}:{line} walks through a set; sort it, or use a dict" for line in set_walks(tree(name)))

    stale = [pattern for pattern in RULES["pure"] if not any(matches(name, pattern) for name in sources(*PACKAGES))]
    expect_none(f"pyproject.toml: pure has {pattern}, no such file" for pattern in stale)
    expect_none(each for name in sorted(pure) for each in impurities(name))


def _is_bare_package(name: str) -> bool:
    return name.endswith("__init__.py") and all(isinstance(node, ast.Expr) for node in tree(name).body)


def test_files_and_functions_stay_short() -> None:
    """A file that outgrows a screenful of screens, or a function that outgrows one, is to be divided; an exception that
    is no longer needed goes."""

    def too_long(name: str) -> Iterator[str]:
        lines = len((ROOT / name).read_text(encoding="utf-8").splitlines())
        lines_max = RULES["test_file_lines_max" if name.startswith("tests/") else "file_lines_max"]
        if lines > lines_max and name not in RULES["long_files"]:
            yield f"{name} has {lines} lines, {lines_max} at most"
        if lines <= lines_max and name in RULES["long_files"]:
            yield f"pyproject.toml: long_files names {name} without need"
        for node in ast.walk(tree(name)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length, length_max = (node.end_lineno or 0) - node.lineno + 1, RULES["function_lines_max"]
                if length > length_max:
                    yield f"{name}:{node.lineno} {node.name}() has {length} lines, {length_max} at most"

    expect_none(each for name in sources(*PACKAGES, "tests") for each in too_long(name))
    expect_none(f"pyproject.toml: no {name} of long_files" for name in set(RULES["long_files"]) - set(files()))


def test_no_dead_modules() -> None:
    """Each module is imported by another one of the project, is a command, or is named by one that imports it."""
    targets = [
        *settings()["project"]["scripts"].values(),
        *(entry.target for entry in [*COMMANDS.values(), *QUESTIONS.values()]),
    ]
    used = {target.split(":")[0] for target in targets}
    for name in sources(*PACKAGES):
        used |= {module for module, _ in imports(name) if module != module_of(name)}
        texts = (node.value for node in ast.walk(tree(name)) if isinstance(node, ast.Constant))
        used |= {text for text in texts if isinstance(text, str) and text.startswith("central.")}
    expect_none(
        f"nothing imports {name}"
        for name in sources(*PACKAGES)
        if module_of(name) not in used and not name.endswith(("__init__.py", "__main__.py"))
    )


def test_the_centre_knows_only_the_contract() -> None:
    """The centre imports of the node only what both sides share."""
    allowed = RULES["central_may_import"]
    expect_none(
        f"{name}:{line} imports {module}"
        for name in sources("central")
        for module, line in imports(name)
        if module.split(".")[0] == "edge"
        and not any(module == each or module.startswith(each + ".") for each in allowed)
    )


def test_every_file_and_test_reports_why() -> None:
    """A module begins with why it exists; a test function states its property in a sentence."""

    def silent(name: str) -> Iterator[str]:
        if not ast.get_docstring(tree(name)):
            yield f"{name} has no docstring"
        if name.rpartition("/")[2].startswith("test_"):
            tests = (each for each in ast.walk(tree(name)) if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef))
            for node in tests:
                if node.name.startswith("test_") and not ast.get_docstring(node):
                    yield f"{name}:{node.lineno} {node.name} has no docstring: state the property in one sentence"

    expect_none(each for name in sources(*PACKAGES, "tests") for each in silent(name))


def test_every_source_file_has_its_test() -> None:
    """`edge/x.py` has `tests/edge/test_x.py`, or a test imports it, or `tested_elsewhere` names its test."""
    tests = [name for name in sources("tests") if name.rpartition("/")[2].startswith("test_")]
    imported = {module for name in tests for module, _ in imports(name)}
    expect_none(
        f"{name} has no {mirror(name)}, and no test imports it"
        for name in sources(*PACKAGES)
        if not name.endswith("__init__.py") and mirror(name) not in tests and module_of(name) not in imported
    )
    named = [*RULES["tested_elsewhere"], *RULES["tested_elsewhere"].values()]
    expect_none(f"pyproject.toml: tested_elsewhere has {name}, no such file" for name in set(named) - set(files()))


def test_folders_of_tests_are_no_packages() -> None:
    """So a test file may have the name of another in another folder."""
    expect_none(name for name in files() if name.startswith("tests/") and name.endswith("__init__.py"))


# Written so that no pattern matches its own text.
UNWANTED = {
    "the host of a package registry": re.compile(
        r"\b[p]ypi\.org|[p]ythonhosted|[n]pmjs|registry\.[y]arnpkg|proxy\.[g]olang"
    ),
    "unfinished work": re.compile(r"\b[T]ODO\b|\b[F]IXME\b|\b[X]XX\b|\b[H]ACK\b|[N]otImplementedError"),
    "a conflict marker": re.compile(r"^(?:[<]{7}|[>]{7}) ", re.MULTILINE),
}


def texts() -> Iterator[tuple[str, str]]:
    """(name, text) of every file that is text and ours."""
    for name in files():
        data = (ROOT / name).read_bytes()
        if data and name != "LICENSE" and b"\0" not in data[:4096]:
            yield name, data.decode(errors="replace")


def test_no_file_holds_what_does_not_belong() -> None:
    """No tracked text names a registry's host, or work left undone."""
    expect_none(
        f"{name}:{text.count(chr(10), 0, match.start()) + 1} has {what}: {match.group()!r}"
        for name, text in texts()
        for what, pattern in UNWANTED.items()
        for match in pattern.finditer(text)
    )


def test_text_files_are_clean() -> None:
    """Text ends with one newline, has no carriage returns and no trailing spaces."""

    def unclean(name: str, text: str) -> Iterator[str]:
        if not text.endswith("\n") or text.endswith("\n\n"):
            yield f"{name} does not end with one newline"
        if "\r\n" in text:
            yield f"{name} has carriage returns"
        for number, line in enumerate(text.split("\n"), 1):
            if line.endswith((" ", "\t")) and not name.endswith(".md"):
                yield f"{name}:{number} ends with a space"

    expect_none(each for name, text in texts() for each in unclean(name, text))


def test_lock_files_agree() -> None:
    """What runs and what is tested are the same versions, each with its hashes."""
    pins: dict[str, dict[str, list[str]]] = {}
    for name in ("requirements.lock", "requirements-bench.lock", "requirements-test.lock", "requirements-release.lock"):
        text = (ROOT / name).read_text(encoding="utf-8")
        pins[name] = {}
        lines = [line for line in text.splitlines() if not line.startswith("#")]
        for line, following in pairwise(lines):
            if match := re.match(r"([a-z0-9][a-z0-9.-]*)==(\S+)", line):
                pins[name].setdefault(match.group(1), []).append(match.group(2))
                assert "--hash=sha256:" in following, f"{name}: {line} has no hash"
    run, bench, test, _ = pins.values()
    assert len(run) > 10
    assert {key: test.get(key) for key in run} == {key: bench.get(key) for key in run} == run
    assert {key: bench[key] for key in bench if key in test} == {key: test[key] for key in bench if key in test}
    assert "matplotlib" in bench.keys() - run.keys()
    for requirement in settings()["project"]["dependencies"]:
        wanted = re.match(r"[a-z0-9-]+", requirement.lower())
        assert wanted
        assert wanted.group(0) in run, f"{requirement} is not locked: make lock"

"""Rules of the code base: purity, sizes, no dead files, nothing unfinished, nothing of where it was built.

The rules' data stand in `[tool.doorstep]` of pyproject.toml.
"""

import ast
import fnmatch
import re
from itertools import pairwise

import pytest

from bench.command import QUESTIONS
from edge.__main__ import COMMANDS
from edge.scenarios.check.purity import impure_calls, is_impure, set_walks
from tests.repo.project import PACKAGES, ROOT, SDK, file_of, files, imports, module_of, settings, sources, tree

RULES = settings()["tool"]["doorstep"]


def pure_files() -> list[str]:
    """Files that match a pattern of `pure`; `**` matches any number of folders."""
    return [name for name in sources(*PACKAGES) if any(_matches(name, pattern) for pattern in RULES["pure"])]


def _matches(name: str, pattern: str) -> bool:
    return fnmatch.fnmatchcase(name, pattern) or fnmatch.fnmatchcase(name, pattern.replace("**/", ""))


@pytest.mark.parametrize("pattern", RULES["pure"])
def test_every_purity_pattern_names_a_file(pattern: str) -> None:
    """A pattern of `pure` that matches nothing would protect nothing."""
    assert any(_matches(name, pattern) for name in sources(*PACKAGES)), (
        f"pyproject.toml: pure has {pattern}, no such file"
    )


@pytest.mark.parametrize("name", pure_files())
def test_pure_files_import_no_world(name: str) -> None:
    """A pure file imports nothing that reads clocks, sockets, files, randomness …, and of our own only pure files."""
    pure = set(pure_files())
    wrong: list[str] = []
    for module, line in imports(name):
        ours = file_of(module) if module.split(".")[0] in PACKAGES else None
        if is_impure(module):
            wrong.append(f"{name}:{line} imports {module}")
        elif ours and ours not in pure and not _is_bare_package(ours):
            wrong.append(f"{name}:{line} imports {module}, which is not pure")
    assert not wrong, "\n".join(wrong)


def _is_bare_package(name: str) -> bool:
    return name.endswith("__init__.py") and all(isinstance(node, ast.Expr) for node in tree(name).body)


@pytest.mark.parametrize("name", pure_files())
def test_pure_files_call_nothing_of_the_world(name: str) -> None:
    """A pure file calls no `open`, `hash`, `id`, `print` …, and no `numpy.random`."""
    wrong = [f"{name}:{line} {what}" for line, what in impure_calls(tree(name))]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", pure_files())
def test_pure_files_never_iterate_over_sets(name: str) -> None:
    """The order of a set differs between runs, so a pure file may ask a set but not walk through it unsorted."""
    wrong = [f"{name}:{line} walks through a set; sort it, or use a dict" for line in set_walks(tree(name))]
    assert not wrong, "\n".join(wrong)


def _lines_max(name: str) -> int:
    return RULES["test_file_lines_max" if name.startswith("tests/") else "file_lines_max"]


@pytest.mark.parametrize("name", sources(*PACKAGES, "tests"))
def test_files_and_functions_stay_short(name: str) -> None:
    """A file that outgrows a screenful of screens, or a function that outgrows one, is to be divided."""
    lines = len((ROOT / name).read_text(encoding="utf-8").splitlines())
    limit = _lines_max(name)
    wrong = [f"{name} has {lines} lines, {limit} at most"] if lines > limit and name not in RULES["long_files"] else []
    for node in ast.walk(tree(name)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or 0) - node.lineno + 1
            if length > RULES["function_lines_max"]:
                wrong.append(
                    f"{name}:{node.lineno} {node.name}() has {length} lines, {RULES['function_lines_max']} at most"
                )
    assert not wrong, "\n".join(wrong)


def test_long_files_are_still_long() -> None:
    """An exception that is no longer needed goes."""
    stale = [
        name
        for name in RULES["long_files"]
        if not (ROOT / name).is_file()
        or len((ROOT / name).read_text(encoding="utf-8").splitlines()) <= _lines_max(name)
    ]
    assert not stale, f"pyproject.toml: long_files names {stale} without need"


def test_no_dead_modules() -> None:
    """Each module is imported by another one of the project, or is a command."""
    targets = [
        *settings()["project"]["scripts"].values(),
        *(entry.target for entry in [*COMMANDS.values(), *QUESTIONS.values()]),
    ]
    used = {target.split(":")[0] for target in targets}
    for name in sources(*PACKAGES):
        used |= {module for module, _ in imports(name) if module != module_of(name)}
    dead = [
        name
        for name in sources(*PACKAGES)
        if module_of(name) not in used and not name.endswith(("__init__.py", "__main__.py"))
    ]
    assert not dead, f"nothing imports {', '.join(dead)}"


@pytest.mark.parametrize("name", sources("central"))
def test_the_centre_knows_only_the_contract(name: str) -> None:
    """The centre imports of the node only what both sides share."""
    allowed = RULES["central_may_import"]
    wrong = [
        f"{name}:{line} imports {module}"
        for module, line in imports(name)
        if module.split(".")[0] == "edge"
        and not any(module == each or module.startswith(each + ".") for each in allowed)
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", sources(*PACKAGES, "tests"))
def test_every_file_and_test_reports_why(name: str) -> None:
    """A module begins with why it exists; a test function states its property in a sentence."""
    module = tree(name)
    wrong = [] if ast.get_docstring(module) else [f"{name} has no docstring"]
    if name.rpartition("/")[2].startswith("test_"):
        tests = (each for each in ast.walk(module) if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef))
        for node in tests:
            if node.name.startswith("test_") and not ast.get_docstring(node):
                wrong.append(f"{name}:{node.lineno} {node.name} has no docstring: state the property in one sentence")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", [name for name in sources(*PACKAGES) if not name.endswith("__init__.py")])
def test_every_source_file_has_its_test(name: str) -> None:
    """`edge/x.py` has `tests/edge/test_x.py`, or a test imports it, or `tested_elsewhere` names its test."""
    folder, _, leaf = name.rpartition("/")
    mirror = f"tests/{'sdk' if name.startswith(SDK) else folder}/test_{leaf.strip('_').replace('__.py', '.py')}"
    place = RULES["tested_elsewhere"].get(name, mirror)
    if (ROOT / place).exists():
        return
    tests = [each for each in sources("tests") if each.rpartition("/")[2].startswith("test_")]
    direct = [each for each in tests if any(module == module_of(name) for module, _ in imports(each))]
    assert direct, f"{name} has no {place}, and no test imports it"


def test_what_is_tested_elsewhere_is_there() -> None:
    """Each entry of `tested_elsewhere` names a source file and a test file."""
    for name, place in RULES["tested_elsewhere"].items():
        assert (ROOT / name).is_file(), name
        assert (ROOT / place).is_file(), place


def test_names_of_test_files_are_unique_where_they_must_be() -> None:
    """Folders of tests are no packages, so that a test file may have the name of another in another folder."""
    packages = [name for name in files() if name.startswith("tests/") and name.endswith("__init__.py")]
    assert not packages


# Written so that no pattern matches its own text.
UNWANTED = {
    "the place where it was built": re.compile(r"/(work)/|/tmp/[x]/|/tmp/[v]/|/tmp/[s]pec|[b]lueprint|/opt/[w]heels"),
    "the host of a package registry": re.compile(
        r"\b[p]ypi\.org|[p]ythonhosted|[n]pmjs|registry\.[y]arnpkg|proxy\.[g]olang"
    ),
    "unfinished work": re.compile(r"\b[T]ODO\b|\b[F]IXME\b|\b[X]XX\b|\b[H]ACK\b|[N]otImplementedError"),
    "a conflict marker": re.compile(r"^(?:[<]{7}|[>]{7}) ", re.MULTILINE),
}


@pytest.mark.parametrize("what", UNWANTED)
def test_no_file_holds_what_does_not_belong(what: str) -> None:
    """No tracked text names where it was built, a registry's host, or work left undone."""
    wrong: list[str] = []
    for name in files():
        data = (ROOT / name).read_bytes()
        if name == "LICENSE" or b"\0" in data[:4096]:
            continue
        text = data.decode(errors="replace")
        for match in UNWANTED[what].finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            wrong.append(f"{name}:{line} has {match.group(0)!r}")
    assert not wrong, f"{what}:\n" + "\n".join(wrong)


def test_text_files_are_clean() -> None:
    """Text ends with one newline, has no carriage returns and no trailing spaces."""
    wrong: list[str] = []
    for name in files():
        data = (ROOT / name).read_bytes()
        if b"\0" in data[:4096] or not data or name == "LICENSE":
            continue
        if not data.endswith(b"\n") or data.endswith(b"\n\n"):
            wrong.append(f"{name} does not end with one newline")
        if b"\r\n" in data:
            wrong.append(f"{name} has carriage returns")
        wrong += [
            f"{name}:{number} ends with a space"
            for number, line in enumerate(data.split(b"\n"), 1)
            if line.endswith((b" ", b"\t")) and not name.endswith(".md")
        ]
    assert not wrong, "\n".join(wrong[:20])


def test_lock_files_agree() -> None:
    """What runs and what is tested are the same versions, each with its hashes."""
    pins: dict[str, dict[str, list[str]]] = {}
    for name in ("requirements.lock", "requirements-bench.lock", "requirements-test.lock"):
        text = (ROOT / name).read_text(encoding="utf-8")
        pins[name] = {}
        lines = [line for line in text.splitlines() if not line.startswith("#")]
        for line, following in pairwise(lines):
            if match := re.match(r"([a-z0-9][a-z0-9.-]*)==(\S+)", line):
                pins[name].setdefault(match.group(1), []).append(match.group(2))
                assert "--hash=sha256:" in following, f"{name}: {line} has no hash"
    run, bench, test = pins.values()
    assert len(run) > 10
    assert {key: test.get(key) for key in run} == {key: bench.get(key) for key in run} == run
    assert {key: bench[key] for key in bench if key in test} == {key: test[key] for key in bench if key in test}
    assert "matplotlib" in bench.keys() - run.keys()
    for requirement in settings()["project"]["dependencies"]:
        wanted = re.match(r"[a-z0-9-]+", requirement.lower())
        assert wanted
        assert wanted.group(0) in run, f"{requirement} is not locked: make lock"

"""The rules of pure code, on its syntax tree: it asks nothing of the outside world and walks through no set.

The one place for these rules: the repository's own tests and `doorstep scenario check` both take them from here.
"""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

IMPURE_MODULES: Final = frozenset(
    "aiohttp apsw asyncio click concurrent contextvars ctypes datetime fcntl fileinput ftplib gc getpass glob http "
    "httpx importlib inspect io locale logging mmap multiprocessing os pathlib platform prometheus_client pty queue "
    "random requests resource rich sched secrets select selectors shelve shutil signal smtplib socket socketserver "
    "sqlite3 ssl starlette subprocess sys tempfile threading time urllib.request urllib3 uuid uvicorn uvloop "
    "warnings".split()
)
IMPURE_CALLS: Final = frozenset("breakpoint eval exec hash id input open print __import__".split())
ORDERED_BY_CALLER: Final = frozenset("list tuple iter enumerate next reversed map filter zip dict".split())

NODE_MODULES: Final = ("edge.core", "edge.messages", "edge.errors", "edge.limits", "edge.scenarios.dispatch")
"""Of the node a scenario may import these; everything else of it reads clocks, files or sockets."""


def is_impure(module: str) -> bool:
    """Whether a module of this name belongs to the outside world."""
    return module.split(".", maxsplit=1)[0] in IMPURE_MODULES or module in IMPURE_MODULES


def impure_calls(module: ast.Module) -> Iterator[tuple[int, str]]:
    """(line, what it does) of calls of `open`, `hash`, `id`, `print` …, and of `numpy.random`."""
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in IMPURE_CALLS:
            yield node.lineno, f"calls {node.func.id}()"
        if isinstance(node, ast.Attribute) and node.attr == "random":
            yield node.lineno, "uses .random"


def set_walks(module: ast.Module) -> Iterator[int]:
    """Lines that iterate over what is plainly a set: an expression, or a name bound or annotated as one."""
    attributes = _set_names(module, ast.Attribute)
    scopes: list[ast.AST] = [
        node for node in ast.walk(module) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    for scope in [module, *scopes]:
        names = _set_names(scope, ast.Name) | attributes
        for node in ast.walk(scope):
            for expression in _walked(node):
                if _is_set(expression, names):
                    yield expression.lineno


def impurities(package: Path) -> list[str]:
    """Everything in the modules of a package (or in one module) that is not pure, as `file:line what`."""
    found: list[str] = []
    for path in [package] if package.is_file() else sorted(package.rglob("*.py")):
        where = path.relative_to(package.parent)
        if "tests" not in where.parts[1:]:
            module = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
            found += [f"{where}:{line} {what}" for line, what in sorted({*_impurities(module, package)})]
    return found


def _impurities(module: ast.Module, package: Path) -> Iterator[tuple[int, str]]:
    for line, name in _imports(module):
        if is_impure(name):
            yield line, f"imports {name}"
        elif name.split(".")[0] == "edge" and not _may_import(name, package):
            yield line, f"imports {name}, which is not pure"
    yield from impure_calls(module)
    for line in set_walks(module):
        yield line, "walks through a set, whose order differs from process to process; sort it, or use a dict"


def _imports(module: ast.Module) -> Iterator[tuple[int, str]]:
    """(line, full name) of what is imported from other packages, anywhere in a module."""
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                yield node.lineno, f"{node.module}.{alias.name}"


def _may_import(name: str, package: Path) -> bool:
    allowed = (*NODE_MODULES, f"edge.scenarios.{package.stem}")
    return any(name == each or name.startswith(f"{each}.") for each in allowed)


def _walked(node: ast.AST) -> list[ast.expr]:
    """The expressions that a node iterates over."""
    if isinstance(node, ast.For | ast.AsyncFor | ast.comprehension):
        return [node.iter]
    if isinstance(node, ast.Call):
        called = node.func
        orders = isinstance(called, ast.Name) and called.id in ORDERED_BY_CALLER
        combines = isinstance(called, ast.Attribute) and called.attr in ("join", "extend", "fromkeys")
        return node.args if orders or combines else []
    return [node.value] if isinstance(node, ast.Starred | ast.YieldFrom) else []


def _set_names(scope: ast.AST, kind: type[ast.expr]) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(scope):
        targets: list[ast.expr] = []
        if isinstance(node, ast.Assign) and _is_set(node.value, set()):
            targets = node.targets
        elif isinstance(node, ast.AnnAssign) and _is_set_type(node.annotation):
            targets = [node.target]
        elif isinstance(node, ast.arg) and node.annotation and _is_set_type(node.annotation) and kind is ast.Name:
            found.add(node.arg)
        found |= {ast.unparse(target) for target in targets if isinstance(target, kind)}
    return found


def _is_set_type(annotation: ast.expr) -> bool:
    text = ast.unparse(annotation).strip("'\"").removeprefix("Final[")
    return text.startswith(("set[", "frozenset[", "AbstractSet[")) or text in ("set", "frozenset")


def _is_set(node: ast.expr, names: set[str]) -> bool:
    if isinstance(node, ast.Set | ast.SetComp):
        return True
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Name) and node.func.id in ("set", "frozenset")
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr | ast.BitAnd | ast.Sub | ast.BitXor):
        return _is_set(node.left, names) or _is_set(node.right, names)
    return isinstance(node, ast.Name | ast.Attribute) and ast.unparse(node) in names

"""Which mutants a seed draws from the pure code, and which tests are to catch each."""

import ast
from functools import cache
from random import Random

from tests.mutants.equivalent import EQUIVALENT
from tests.mutants.operators import Mutant, mutants
from tests.repo.project import ROOT, imports, mirror, module_of, pure_files, sources


@cache
def catching(file: str) -> tuple[str, ...]:
    """The mirror of a source file, with what did not fit into it (`test_x_more.py` beside `test_x.py`); where it has
    none, as a package's `__init__.py`, the test files that import it."""
    tests = [name for name in sources("tests") if name.rpartition("/")[2].startswith("test_")]
    beginning = mirror(file).removesuffix(".py")
    if mirror(file) in tests:
        return tuple(name for name in tests if name == mirror(file) or name.startswith(f"{beginning}_"))
    beside = f"tests/{file.rpartition('/')[0]}/"
    users = [name for name in tests if any(module == module_of(file) for module, _ in imports(name))]
    return tuple(name for name in users if name.startswith(beside)) or tuple(users)


@cache
def candidates() -> dict[str, list[Mutant]]:
    """Every mutant of the pure code by its operator; the reviewed equivalent ones are left out."""
    found: dict[str, list[Mutant]] = {}
    for file in pure_files():
        for mutant in mutants(file, (ROOT / file).read_text(encoding="utf-8")):
            if (mutant.file, mutant.before.strip(), mutant.after.strip()) not in EQUIVALENT:
                found.setdefault(mutant.operator, []).append(mutant)
    return found


def draw(seed: int, count: int, under: str = "") -> list[Mutant]:
    """As many different mutants, each operator as likely as the next, of files whose names begin with `under`."""
    rng = Random(seed)
    left = {name: [each for each in found if each.file.startswith(under)] for name, found in candidates().items()}
    left = {name: found for name, found in left.items() if found}
    drawn: list[Mutant] = []
    while left and len(drawn) < count:
        operator = rng.choice(sorted(left))
        mutant = left[operator].pop(rng.randrange(len(left[operator])))
        drawn += [mutant] if _is_python(mutant) else []
        left = {name: rest for name, rest in left.items() if rest}
    return drawn


def _is_python(mutant: Mutant) -> bool:
    lines = (ROOT / mutant.file).read_text(encoding="utf-8").split("\n")
    try:
        ast.parse("\n".join([*lines[: mutant.line - 1], mutant.after, *lines[mutant.line :]]))
    except SyntaxError:
        return False
    return True

"""Patches the source text of one module and imports the project anew, so that everything uses the patched one."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder, SourceLoader
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location
from types import ModuleType

from msgspec import Struct

from tests.repo.project import ROOT

IMPORTED_ANEW = ("edge", "central", "tests.sim")


class Bug(Struct, frozen=True, kw_only=True):
    """What is wrong, and how it comes about: in `file`, `before` becomes `after`."""

    what: str
    file: str
    before: str
    after: str
    faults: dict[str, float] | None = None
    """Rates of the faults in which alone it shows; None: it is hunted in all that a seed draws."""
    seed: int = 0
    """Where the hunt begins."""

    @property
    def source(self) -> str:
        """The text of its file with the bug. Raises ValueError where the patch does not apply."""
        text = (ROOT / self.file).read_text(encoding="utf-8")
        if (found := text.count(self.before)) != 1:
            raise ValueError(f"{self.what}: {self.file} has {self.before!r} {found} times, it must be there once")
        return text.replace(self.before, self.after)


class _Patched(SourceLoader):
    """Gives the source text of the patched file."""

    def __init__(self, bug: Bug) -> None:
        self._bug = bug

    def get_filename(self, fullname: str) -> str:
        return str(ROOT / self._bug.file)

    def get_data(self, path: str) -> bytes:
        return self._bug.source.encode()


class _Finder(MetaPathFinder):
    def __init__(self, bug: Bug) -> None:
        self._bug = bug
        self._module = bug.file.removesuffix(".py").replace("/", ".").removesuffix(".__init__")

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != self._module:
            return None
        return spec_from_file_location(fullname, ROOT / self._bug.file, loader=_Patched(self._bug))


@contextmanager
def planted(bug: Bug) -> Iterator[None]:
    """What is imported here has the bug; afterwards everything is as it was. Raises ValueError where the patch does not
    apply."""
    assert bug.source
    honest = {name: module for name, module in sys.modules.items() if _is_ours(name)}
    finder = _Finder(bug)
    _forget()
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        _forget()
        sys.modules.update(honest)


def _forget() -> None:
    for name in [name for name in sys.modules if _is_ours(name)]:
        del sys.modules[name]


def _is_ours(name: str) -> bool:
    return name != __name__ and any(name == each or name.startswith(f"{each}.") for each in IMPORTED_ANEW)

"""Runs tests over mutants: each in a copy of the project, in which one line is changed."""

import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from tempfile import TemporaryDirectory
from typing import NamedTuple

from tests.mutants.operators import Mutant

CPU_S_MAX = 30
"""Of one run of tests; one that needs more hangs, which counts as caught."""
WALL_S_MAX = 600
WORKERS = 2


class Outcome(NamedTuple):
    """What the tests made of a mutant: `code` is pytest's exit code, or minus a signal where they were stopped."""

    mutant: Mutant
    code: int

    @property
    def survived(self) -> bool:
        return self.code == 0


class Workshop:
    """A copy of the project's files, for one worker."""

    def __init__(self, folder: Path, root: Path, names: Sequence[str], paths: Sequence[str]) -> None:
        self.folder = folder
        self._environment = os.environ | {
            "PYTHONPATH": os.pathsep.join(str(folder / path) for path in paths),
            # The copies' own files are compiled when the tests run unchanged; a changed one must leave nothing behind.
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        for name in names:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(root / name, folder / name)

    def test(self, tests: Sequence[str], changed: bool = True, cpu_s: int = CPU_S_MAX) -> tuple[int, str]:
        """(pytest's exit code, its output) of these test files."""
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "--hypothesis-profile=mutants"]
        process = subprocess.Popen(
            [*command, *tests],
            cwd=self.folder,
            env=self._environment if changed else self._environment | {"PYTHONDONTWRITEBYTECODE": ""},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        resource.prlimit(process.pid, resource.RLIMIT_CPU, (cpu_s, cpu_s))
        try:
            out, _ = process.communicate(timeout=WALL_S_MAX)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            out, _ = process.communicate()
        return process.returncode, out

    @contextmanager
    def with_fault(self, mutant: Mutant) -> Iterator[None]:
        """The changed line is in the copy until the end."""
        path = self.folder / mutant.file
        text, times = path.read_text(encoding="utf-8"), path.stat()
        lines = text.split("\n")
        assert lines[mutant.line - 1] == mutant.before, mutant
        lines[mutant.line - 1] = mutant.after
        path.write_text("\n".join(lines), encoding="utf-8")
        os.utime(path, (times.st_atime, times.st_mtime + 10))  # else what was compiled before would still be its
        try:
            yield
        finally:
            path.write_text(text, encoding="utf-8")
            os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def run(
    drawn: Sequence[Mutant],
    catching: Callable[[str], Sequence[str]],
    copied: tuple[Path, Sequence[str], Sequence[str]],
) -> Iterator[Outcome]:
    """The outcomes as they come. `copied` is the project's folder, its files, and its folders of packages.

    Raises RuntimeError where a test fails without any mutant.
    """
    with TemporaryDirectory(prefix="mutants-") as folder, ThreadPoolExecutor(WORKERS) as pool:
        free: SimpleQueue[Workshop] = SimpleQueue()
        shops = [Workshop(Path(folder) / str(number), *copied) for number in range(WORKERS)]
        tests = sorted({test for mutant in drawn for test in catching(mutant.file)})
        baselines = [pool.submit(shop.test, tests[at::WORKERS], False, WALL_S_MAX) for at, shop in enumerate(shops)]
        for baseline in baselines:
            code, out = baseline.result()
            if code not in (0, 5):  # 5: there are fewer tests than workers
                raise RuntimeError(f"without any mutant the tests fail already:\n{out[-4000:]}")
        for shop in shops:
            free.put(shop)

        def one(mutant: Mutant) -> Outcome:
            shop = free.get()
            try:
                with shop.with_fault(mutant):
                    return Outcome(mutant, shop.test(catching(mutant.file))[0])
            finally:
                free.put(shop)

        yield from (done.result() for done in as_completed([pool.submit(one, mutant) for mutant in drawn]))

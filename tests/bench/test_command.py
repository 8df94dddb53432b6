"""`doorstep bench`: a group that loads nothing before it must."""

import re
import subprocess
import sys

import click
from click.testing import CliRunner

from bench.command import QUESTIONS, bench


def test_each_question_can_be_asked() -> None:
    """Each name leads to a command of that name; another name is a usage error."""
    for name in QUESTIONS:
        command = bench.get_command(click.Context(bench), name)
        assert command is not None
        assert command.name == name
    assert CliRunner().invoke(bench, ["unknown"]).exit_code == 2


def test_help_lists_the_questions_without_loading_them() -> None:
    """`--help` names each with its line and imports no simulator."""
    script = (
        "import sys; from bench.command import bench\ntry: bench(['--help'])\nexcept SystemExit: print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    for name, (_, summary) in QUESTIONS.items():
        assert re.search(rf"^  {name} +{re.escape(summary)}$", done, re.MULTILINE)
    assert not {"numpy", "msgspec", "rich", "bench.dispatch", "bench.load"} & set(done.splitlines()[-1].split())

"""`python -m tests.mutants --seed N [--count 60] [--under FOLDER] [--json FILE]`: one-line faults, each to be caught by
its mirror test.

Exit code 1 where more than one of twelve survives, 2 where a test fails without any mutant.
"""

import argparse
import json
import sys
from pathlib import Path

from tests.mutants.draw import catching, draw
from tests.mutants.run import Outcome, run
from tests.repo.project import ROOT, files, settings

SURVIVORS_MAX = 1 / 12
"""Of all mutants: some differ only in what nobody can see, such as speed."""


def described(outcome: Outcome) -> str:
    """File and line, what was done, and the two lines."""
    mutant = outcome.mutant
    return f"{mutant.file}:{mutant.line} {mutant.operator}\n-{mutant.before}\n+{mutant.after}"


def main() -> int:
    """Draw, test, list what survived."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument(
        "--under", default="", help="only of files whose names begin so: edge/scenarios/dispatch/planner"
    )
    parser.add_argument("--json", type=Path, help="write the outcomes there")
    options = parser.parse_args()
    drawn = draw(options.seed, options.count, options.under)
    outcomes: list[Outcome] = []
    survivors: list[Outcome] = []
    try:
        for outcome in run(drawn, catching, (ROOT, files(), settings()["tool"]["pytest"]["ini_options"]["pythonpath"])):
            outcomes.append(outcome)
            if outcome.survived:
                survivors.append(outcome)
                print(f"\r{described(outcome)}", flush=True)
            print(f"\r{len(outcomes)} of {len(drawn)}, {len(survivors)} survive", end="", file=sys.stderr, flush=True)
    except RuntimeError as error:
        print(error)
        return 2
    finally:
        print(file=sys.stderr)
    print(f"seed {options.seed}: {len(outcomes) - len(survivors)} of {len(outcomes)} mutants are caught")
    if options.json:
        report = [{**each.mutant._asdict(), "code": each.code, "survived": each.survived} for each in sorted(outcomes)]
        options.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return 1 if len(survivors) > SURVIVORS_MAX * len(outcomes) else 0


if __name__ == "__main__":
    sys.exit(main())

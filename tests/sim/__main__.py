"""`python -m tests.sim --seeds A..B [--ticks N] [--trace]`: many small worlds in which everything goes wrong."""

import argparse
import sys
from time import perf_counter

import msgspec

from tests.sim.draw import TICKS, Plan
from tests.sim.search import live, report, run, shrink


def main() -> int:
    """0 where every invariant held in every world."""
    parser = argparse.ArgumentParser(prog="python -m tests.sim", description=__doc__)
    parser.add_argument("--seeds", default="0..200", help="one seed, or A..B without B")
    parser.add_argument("--ticks", type=int, default=TICKS, help="how long faults go on")
    parser.add_argument("--trace", action="store_true", help="print everything that happened")
    parser.add_argument("--plan", help="one world as a failure printed it, instead of seeds")
    options = parser.parse_args()
    if options.plan:
        outcome = live(msgspec.json.decode(options.plan, type=Plan))
        print("\n".join([*(outcome.lines if options.trace else []), outcome.why or "every invariant held"]))
        return 1 if outcome.why else 0
    first, _, last = options.seeds.partition("..")
    seeds = range(int(first), int(last) if last else int(first) + 1)
    begin, rows, broken = perf_counter(), 0, 0
    for seed in seeds:
        outcome = run(seed, options.ticks)
        rows += outcome.rows
        if options.trace:
            print("\n".join(outcome.lines))
        if outcome.why:
            broken += 1
            print(report(shrink(outcome)))
        elif len(seeds) == 1:
            print(f"seed {seed}: {outcome.rows} rows, trace {outcome.trace_hash}: every invariant held")
    seconds = perf_counter() - begin
    print(f"{len(seeds)} seeds, {rows} rows, {seconds:.1f} s: {len(seeds) / seconds:.1f} seeds/s; {broken} broken")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())

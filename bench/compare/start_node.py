"""Starts `doorstep` of a given folder: `python -I start_node.py FOLDER WORDS…`.

It is run as a file, by the interpreter of either revision, so it imports nothing of ours but what lies in FOLDER. The
first line that it prints names the folder whose code really runs.
"""

import sys
from typing import Final

RUNS: Final = "runs "


def main() -> None:
    """FOLDER goes before everything else on the path, an editable installation of Doorstep included."""
    folder, *words = sys.argv[1:]
    sys.path.insert(0, folder)
    import edge

    print(f"{RUNS}{edge.__file__}", flush=True)
    from edge.__main__ import main as doorstep

    sys.argv = ["doorstep", *words]
    doorstep()


if __name__ == "__main__":
    main()

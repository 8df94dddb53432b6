"""Of bench.demo.fleet.screen: it fits a terminal, before and while something happens."""

from pathlib import Path

from rich.console import Console

from bench.demo.demo import Demo
from bench.demo.district.district import small
from bench.demo.fleet.fleet import FleetDemo
from bench.demo.fleet.screen import draw
from bench.demo.fleet.story import Story
from bench.demo.options import Options


async def test_it_shows_each_node_and_what_happens(tmp_path: Path) -> None:
    """The worst node first, the console's address, and the last lines; the keys where somebody asks for them."""
    options = Options(speed=60)
    fleet = FleetDemo(5, options, tmp_path)
    before = picture(fleet)
    assert any("nodes are enrolled" in line for line in before)
    fleet.demos = [Demo(small(seed, 30), options, each.folder, each) for seed, each in enumerate(fleet.members)]
    story = fleet.story = Story(fleet.centre, fleet.demos)
    story.fleet = [
        {"node": "shop-5", "state": "behind", "behind_s": 200.0, "problems": ["labels_full"]},
        {"node": "shop-1", "state": "current", "behind_s": 5.0, "problems": []},
    ]
    story.log("shop-5 is cut off from the centre")
    text = "\n".join(picture(fleet))
    assert text.index("shop-5") < text.index("shop-1")
    for words in ("behind", "200 s", "labels_full", "is cut off from the centre", fleet.centre.console):
        assert words in text
    assert "cut the last node off" in "\n".join(picture(fleet, help_shown=True))
    fleet.inbox.close()


def picture(fleet: FleetDemo, width: int = 100, height: int = 30, *, help_shown: bool = False) -> list[str]:
    """The screen as lines of text, which fit."""
    console = Console(width=width, height=height, force_terminal=True, color_system=None, record=True)
    with console.capture() as capture:
        console.print(draw(fleet, console, keys=True, help_shown=help_shown), end="")
    lines = capture.get().splitlines()
    assert len(lines) <= height
    assert all(len(line) <= width for line in lines)
    return lines

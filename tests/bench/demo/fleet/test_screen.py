"""Of bench.demo.fleet.screen: it fits a terminal, before and while something happens."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from bench.demo.demo import Demo
from bench.demo.district.district import small
from bench.demo.fleet.fleet import FleetDemo
from bench.demo.fleet.screen import draw
from bench.demo.fleet.story import Story
from bench.demo.options import Options
from edge.scenarios.dispatch.records import Decision


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[FleetDemo]:
    """Five nodes, which are not enrolled yet."""
    made = FleetDemo(5, Options(speed=60), tmp_path)
    yield made
    made.inbox.close()


def begin(fleet: FleetDemo) -> Story:
    """Its day."""
    members = enumerate(fleet.members)
    fleet.demos = [Demo(small(seed, 30), fleet.options, each.folder, each) for seed, each in members]
    story = fleet.story = Story(fleet.centre, fleet.demos)
    return story


async def test_it_shows_each_node_and_what_happens(fleet: FleetDemo) -> None:
    """The worst node first, the console's address, and the last lines; the keys where somebody asks for them."""
    before = picture(fleet)
    assert any("nodes are enrolled: 0 of 5" in line for line in before)
    story = begin(fleet)
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
    fleet.interrupted = True
    assert "stopping" in "\n".join(picture(fleet))


@pytest.mark.parametrize(("width", "height"), [(80, 24), (120, 40), (200, 50)])
async def test_all_that_happens_can_be_read(fleet: FleetDemo, width: int, height: int) -> None:
    """Long lines go on in the next; where there is room decisions have a panel; keys only with a keyboard."""
    story = begin(fleet)
    for number in range(8):
        story.log(
            f"roll-out {number} is failed: shop-3 has gone back from it: The node reports labels_full since {number}"
        )
    story.log_of(fleet.demos[0], 0, "the node was killed (SIGKILL)")
    fleet.demos[1].decisions.add(1, Decision("o2", "", False, "1", "Nobody is free.", []))
    text = "\n".join(picture(fleet, width, height))
    assert "labels_full since 7" in " ".join(text.replace("│", "").split())
    assert "shop-1: the node was killed (SIGKILL)" in text
    assert ("shop-2 o2 waits: Nobody is free." in text) is (height > 24)
    assert "q end" in text
    assert "q end" not in "\n".join(picture(fleet, width, height, keys=False))


def picture(
    fleet: FleetDemo, width: int = 100, height: int = 30, *, help_shown: bool = False, keys: bool = True
) -> list[str]:
    """The screen as lines of text, which fit."""
    console = Console(width=width, height=height, force_terminal=True, color_system=None, record=True)
    with console.capture() as capture:
        console.print(draw(fleet, console, keys=keys, help_shown=help_shown), end="")
    lines = capture.get().splitlines()
    assert len(lines) <= height
    assert all(len(line) <= width for line in lines)
    return lines

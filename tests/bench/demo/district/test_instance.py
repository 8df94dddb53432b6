"""Reading of instances."""

import shutil
from pathlib import Path

import pytest

from bench.demo.district.instance import HEADERS, Courier, Order, Parameters, read
from edge.errors import InputError

SMALL = Path(__file__).parents[3] / "data" / "small-district"
REAL = Path(__file__).parents[5] / "shared" / "data" / "mdrplib"


def test_the_small_district_is_what_it_claims() -> None:
    """The instance that ships with the tests has 40 orders, 8 couriers and 12 restaurants."""
    small = read(SMALL)
    assert (len(small.orders), len(small.couriers), len(small.restaurants)) == (40, 8, 12)
    assert small.name == "small-district"
    assert small.orders[0] == Order("o1", 6197, 673, 35, "r1", 47)
    assert small.couriers[0] == Courier("c1", 3102, 4113, 0, 210)
    assert small.parameters == Parameters()


@pytest.mark.parametrize(
    ("file", "line", "text", "message"),
    [
        ("orders.txt", 1, "order\tx\ty", "header"),
        ("orders.txt", 3, "o2\t1\t2\t3\tr1", "5 columns"),
        ("orders.txt", 3, "o2\t1\t2\tsoon\tr1\t9", "int`"),
        ("orders.txt", 3, "o2\t1\t2\t9\tr1\t3", "ready_time is 3;"),
        ("orders.txt", 3, "o2\t1\t2\t3\tr999\t9", "r999"),
        ("orders.txt", 3, "o1\t1\t2\t3\tr1\t9", "line 2 already"),
        ("orders.txt", 3, "../o\t1\t2\t3\tr1\t9", "letters"),
        ("couriers.txt", 2, "c1\t1\t2\t90\t30", "off_time is 30"),
        ("couriers.txt", 2, "c1\t99999999\t2\t0\t30", "x is '99999999'. Expected `int` <= 1000000"),
        ("restaurants.txt", 2, "r1\t1.5\t2", "int`"),
        ("instance_parameters.txt", 2, "0\t4\t4\t40\t90\t10\t15", "meters_per_minute"),
    ],
)
def test_errors_name_file_and_line(tmp_path: Path, file: str, line: int, text: str, message: str) -> None:
    """A line that cannot be used is named, with what is wrong about it."""
    shutil.copytree(SMALL, tmp_path, dirs_exist_ok=True)
    lines = (tmp_path / file).read_text().splitlines()
    lines[line - 1] = text
    (tmp_path / file).write_text("\n".join(lines) + "\n")
    with pytest.raises(InputError) as raised:
        read(tmp_path)
    assert raised.value.line == line
    assert file in str(raised.value)
    assert message in str(raised.value)


@pytest.mark.parametrize("file", list(HEADERS))
def test_a_missing_or_empty_file_is_named(tmp_path: Path, file: str) -> None:
    """Without one of the four files, or with nothing in it, the file is named."""
    shutil.copytree(SMALL, tmp_path, dirs_exist_ok=True)
    (tmp_path / file).write_text("\t".join(HEADERS[file]) + "\n")
    with pytest.raises(InputError, match=file):
        read(tmp_path)
    (tmp_path / file).write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match=file):
        read(tmp_path)
    (tmp_path / file).unlink()
    with pytest.raises(InputError, match=file):
        read(tmp_path)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    """A folder that is not there is named, with what it should hold."""
    with pytest.raises(InputError, match=r"nowhere.*orders\.txt"):
        read(tmp_path / "nowhere")


@pytest.mark.real_days
@pytest.mark.skipif(not REAL.is_dir(), reason="the published instances are not beside this clone")
def test_every_published_instance_is_read() -> None:
    """All instances of the public set that are at hand are read without complaint."""
    for folder in sorted(REAL.iterdir()):
        instance = read(folder)
        assert instance.last_minute() < 30 * 60
        assert instance.name == folder.name

"""Every page shows what the store has, with units and the time range, in both languages."""

import html
import re

import pytest

from tests.central.consoles import HOURS, Served, texts

PERIODS = 6 * HOURS
"""Of each node, and one more of the first."""


def page(console: Served, path: str, language: str = "en") -> str:
    """What a viewer reads there."""
    with console.client("viewer") as client:
        answer = client.get(path, headers={"accept-language": language})
        assert answer.status_code == 200, answer.text
        return texts(answer.text)


def test_the_fleet_shows_red_first(console: Served) -> None:
    """The node with a batch aside is in need, with what to do; totals are those of the nodes."""
    text = page(console, "/")
    assert "of 4 nodes need attention." in text
    assert "Nodes 4" in text
    rows = text.partition("What to do")[2]
    assert rows.index("shop-2") < rows.index("shop-1 ") or "shop-1 current" not in rows
    assert "1 batches" in rows
    assert "shop-3" not in page(console, "/?q=shop-1").partition("What to do")[2]


def test_orders_are_those_of_the_nodes(console: Served) -> None:
    """Sums with what is not summed up yet, kept promises, and the worst node first."""
    text = page(console, "/orders")
    placed = 12 * (3 * PERIODS + 1)
    assert f"Placed {placed:,} orders" in text
    assert f"Delivered {10 * (3 * PERIODS + 1):,} orders" in text
    assert f"Promises broken {3 * PERIODS} orders" in text
    rows = text.partition("By node")[2]
    assert rows.index("shop-3") < rows.index("shop-2") < rows.index("shop-1")
    assert "80.0 %" in rows
    assert f"{2 * PERIODS} of {10 * PERIODS}" in rows


@pytest.mark.parametrize("range_", ["1h", "24h", "7d", "30d", "90d", "nonsense", "99999d"])
def test_every_range_is_whole(console: Served, range_: str) -> None:
    """Whatever tier answers, three hours are the same; an hour has its own; what is no range is the usual one."""
    text = page(console, f"/orders?range={range_}")
    placed = int(text.partition("Placed ")[2].split()[0].replace(",", ""))
    last_hour = [12 * (3 * periods + 1) for periods in (4, 5, 6)]  # time goes on while tests run
    assert placed in (last_hour if range_ == "1h" else [12 * (3 * PERIODS + 1)])


def test_latency_is_by_stage(console: Served) -> None:
    """p50 and p99 from the sketches, with units, in the sequence of an order's life."""
    text = page(console, "/latency")
    assert f"Order to first offer 2.0 s 30.0 s 30.0 s 11.0 s {3 * (3 * PERIODS + 1)}" in text
    assert text.index("Order to first offer") < text.index("Order to drop-off")


def test_demand_is_by_cell(console: Served) -> None:
    """Seven cells, the busiest first, each drawn."""
    with console.client("viewer") as client:
        drawn = client.get("/demand").text
        other = client.get("/demand?what=order.delivered").text
    periods = 3 * PERIODS + 1
    assert drawn.count("<polygon") == 7 + 5  # and the legend
    assert f"{periods * (7 * 5 + 21):,} orders in 7 cells" in texts(drawn)
    assert texts(drawn).partition("Count")[2].index(f"{periods * 11:,}") > 0
    assert "Orders delivered" in texts(other).partition("Demand by place")[2]


def test_one_node_has_its_own(console: Served) -> None:
    """How it is, its orders, its alarms; a name that is none is not found."""
    text = page(console, "/nodes/shop-1")
    assert f"Placed {12 * (PERIODS + 1)} orders" in text
    assert f"Batches stored {PERIODS + 1}" in text
    assert "No alarm is kept." in text
    aside = page(console, "/nodes/shop-4")
    assert "Kept aside 1 batches" in aside
    assert "Raise" not in aside
    assert "is kept aside" in aside
    with console.client("viewer") as client:
        assert client.get("/nodes/nobody").status_code == 404
        assert client.get("/nodes/%3Cscript%3E").status_code == 404


def test_both_sides_of_a_day_are_compared(console: Served) -> None:
    """A node that has stated nothing is not called equal; what is no day, or no node, is a sentence."""
    text = page(console, "/reconciliation?node=shop-2")
    assert "The node has not stated this day yet." in text
    assert "doorstep reconcile --node shop-2 --day 20" in text
    with console.client("viewer") as client:
        for query in ("node=nobody", "node=shop-1&day=yesterday", "node=shop-1&day=0001-01-01"):
            answer = client.get(f"/reconciliation?{query}")
            assert (answer.status_code, "no day that is kept" in answer.text) == (404, True)


def test_health_names_what_is_to_be_mended_and_where(console: Served) -> None:
    """The whole first, then nodes, the worst first; parts have values with units; too little data has no bar."""
    text = page(console, "/health")
    assert "Mend : Promises kept, worst at shop-3" in text
    assert "Promises kept 57 90.2 % of 550" in text
    assert "Response time 100 p90 30.0 s, budget 20.0 min" in text
    assert "Declined offers too little data : 0" in text or "Declined offers too little data: 0" in text
    rows = text.partition("By node, the worst first")[2]
    assert rows.index("shop-3") < rows.index("shop-2") < rows.index("shop-1")
    assert "Keep" in rows
    assert page(console, "/health?scenario=nobody&days=nonsense").partition("By node")[2].count("dispatch") == 3
    assert "需改进" in page(console, "/health?scenario=dispatch&days=30", "zh")


def test_health_has_the_shops_of_a_node(console: Served) -> None:
    """The worst first, where the node names them, with what to do."""
    rows = page(console, "/health?node=shop-1").partition("By shop, the worst first")[2]
    assert rows.index("noodle-bar") < rows.index("tea-house")
    assert "60.0 orders a day" in rows
    assert "too few customers to be named: 4" in rows
    assert "noodle-bar" in page(console, "/health")
    assert "No shop is named here." in page(console, "/health?node=shop-2")
    assert "按店铺" in page(console, "/health?scenario=dispatch&days=30", "zh")


def test_rollouts_show_where_each_node_stands(console: Served) -> None:
    """Who began it, the stages with their deadline, and of each node what is in force or why not."""
    text = page(console, "/rollouts")
    assert "Begun" in text
    assert "1 done 10% running all nodes to come" in text
    assert "silent after 24 h; the last of those that wait:" in text
    rows = text.partition("In force there")[2]
    assert re.search(r"shop-2 offered Version 1 a{12}", rows)
    assert re.search(r"shop-3 on trial Version 3 b{12} other content", rows)
    failed = page(console, "/rollouts?version=2")
    assert "shop-1 has refused it: retention_days: no" in failed
    assert re.search(r"shop-1 refused Version 1 a{12} [-0-9: ]+retention_days: no", failed)
    assert "No node is in it" not in page(console, "/rollouts?version=99")
    assert "Nothing was rolled out" in page(console, "/rollouts?before=1")
    assert "配置发布" in page(console, "/rollouts", "zh")


def test_books_show_their_differences(console: Served) -> None:
    """Days that differ, all on demand, and the command that names the orders."""
    text = page(console, "/ledger")
    assert "1 of 2 days of shops differ." in text
    assert "Missing in the book 2 orders" in text
    assert "doorstep ledger --config edge.toml --shop noodle-bar" in text
    assert "tea-house" not in text
    assert "tea-house" in page(console, "/ledger?days=90&all=1")
    assert "账目缺失 2 单" in page(console, "/ledger?days=nonsense", "zh")


def test_the_same_in_chinese(console: Served) -> None:
    """Words and units; names and numbers stay."""
    text = page(console, "/orders", "zh")
    assert "已下单" in text
    assert "单" in text
    assert "Placed" not in text
    assert "停滞" in page(console, "/", "zh")


def test_the_audit_log_pages_back(console: Served) -> None:
    """The latest first, a hundred at a time."""
    for number in range(130):
        console.operators.write("robot", "10.0.0.9", "test.entry", f"number {number}")
    with console.client("admin") as client:
        first = client.get("/audit").text
        older = first.partition("/audit?before=")[2].partition('"')[0]
        second = client.get(f"/audit?before={older}").text
        assert client.get("/audit?before=%00").status_code == 200
    assert "number 129" in first
    assert "number 0<" not in first
    assert "number 0<" in second


@pytest.mark.parametrize(
    ("path", "lines"), [("/orders", 8), ("/latency?range=1h", 8), ("/demand", 8), ("/nodes/shop-1", 8), ("/ledger", 3)]
)
def test_figures_can_be_taken_along(console: Served, path: str, lines: int) -> None:
    """Each page of figures has a link to them as CSV and as Parquet, for the time that is shown."""
    with console.client("viewer") as client:
        links = re.findall(r'href="(/v1/[^"]+)"', client.get(path).text)
        answers = [client.get(html.unescape(link)) for link in links]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].text.count("\r\n") >= lines
    assert answers[1].content[:4] == b"PAR1"

"""What each path of `/v1` answers to whom."""

import csv
import io
from collections.abc import Callable

import httpx
import pytest
from arro3.io import read_parquet

from tests.central.consoles import HOURS, NOW_MS, Served

PERIODS = 6 * HOURS
Ask = Callable[..., httpx.Response]
PATHS = ("/v1/nodes", "/v1/nodes/shop-1", "/v1/series", "/v1/cells", "/v1/ledger", "/v1/quarantine", "/v1/enrolment")
PATHS = (*PATHS, "/v1/health", "/v1/rollouts", "/v1/rollouts/1")


def problem(answer: httpx.Response, status: int) -> str:
    """The detail of a problem."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status
    return answer.json()["detail"]


@pytest.mark.parametrize("path", [*PATHS, "/v1/audit"])
def test_nobody_is_answered_without_a_token(ask: Ask, path: str) -> None:
    """401 without one or with a wrong one, 403 without the scope."""
    assert "token add" in problem(ask(path, ""), 401)
    problem(ask(path, "", headers={"authorization": "Bearer dst_guess"}), 401)
    problem(ask(path, "", headers={"authorization": f"Bearer {'x' * 5000}"}), 401)
    problem(ask(path, "", headers={"authorization": "Basic YTpi"}), 401)
    assert "scope" in problem(ask(path, "write"), 403)


def test_nodes_come_in_pages(ask: Ask) -> None:
    """By name, each once, with a link to the next page."""
    names: list[str] = []
    path = "/v1/nodes?limit=3"
    while path:
        answer = ask(path)
        names += [node["node"] for node in answer.json()["nodes"]]
        path = answer.headers.get("link", "").partition("<")[2].partition(">")[0]
    assert names == ["shop-1", "shop-2", "shop-3", "shop-4"]
    one = ask("/v1/nodes/shop-4").json()
    assert (one["quarantined"], one["stored"]["alarms"][0]["kind"]) == (1, "quarantined")
    assert one["is_green"] is False
    problem(ask("/v1/nodes/nobody"), 404)


def test_an_answer_that_the_caller_has_is_not_sent_again(ask: Ask) -> None:
    """304 by its ETag, weak or strong, or for anything."""
    first = ask("/v1/series")
    for known in (first.headers["etag"], f'"x", W/{first.headers["etag"]}', "*"):
        again = ask(f"/v1/series?to={NOW_MS}", headers={"if-none-match": known})
        same = ask(f"/v1/series?to={NOW_MS}", headers={"if-none-match": again.headers["etag"]})
        assert (same.status_code, same.content) == (304, b"")


def test_series_have_the_sums_in_every_format(ask: Ask) -> None:
    """The same rows as JSON, CSV and Parquet; over all pages each period once."""
    query = f"/v1/series?from={NOW_MS - 4 * 3_600_000}&to={NOW_MS + 1}&period=minute"
    rows: list[dict[str, object]] = []
    path = f"{query}&limit=60"
    pages = 0
    while path:
        answer = ask(path)
        rows += answer.json()["rows"]
        pages += 1
        path = answer.headers.get("link", "").partition("<")[2].partition(">")[0]
    assert pages == 5
    placed = sum(row["count"] for row in rows if row["name"] == "order.placed")  # type: ignore[misc]
    assert placed == 12 * (3 * PERIODS + 1)
    measure = next(row for row in rows if row["kind"] == "measure")
    assert (measure["p50"], measure["p99"], measure["mean"]) == (2000, 30_000, 11_000)
    table = list(csv.DictReader(io.StringIO(ask(f"{query}&format=csv&limit=1500").text)))
    assert [row["name"] for row in table] == [row["name"] for row in rows]
    assert [int(row["count"]) for row in table] == [row["count"] for row in rows]
    accept = {"accept": "application/vnd.apache.parquet"}
    found = read_parquet(io.BytesIO(ask(f"{query}&limit=1500", headers=accept).content)).read_all()
    assert found.num_rows == len(rows)
    assert found.column("count").to_pylist() == [row["count"] for row in rows]
    assert found.column("p99").to_pylist() == [row["p99"] for row in rows]


def test_series_are_of_one_node_and_scenario_too(ask: Ask) -> None:
    """Of an unknown one there is nothing."""
    rows = ask("/v1/series?period=day&node=shop-2&scenario=dispatch").json()["rows"]
    assert sum(row["count"] for row in rows if row["name"] == "order.placed") == 12 * PERIODS
    assert ask("/v1/series?node=nobody").json()["rows"] == []
    assert ask("/v1/series?scenario=labels").json()["rows"] == []
    assert ask("/v1/series?node=nobody&format=parquet").status_code == 200


def test_cells_come_in_pages(ask: Ask) -> None:
    """Each once; as CSV too."""
    whole = ask("/v1/cells").json()["rows"]
    first = ask("/v1/cells?limit=10")
    second = ask(first.headers["link"].partition("<")[2].partition(">")[0])
    assert first.json()["rows"] + second.json()["rows"] == whole
    assert len({(row["name"], row["cell"]) for row in whole}) == len(whole) == 14
    assert ask("/v1/cells?format=csv").text.splitlines()[0] == "scenario,name,cell,count"


def test_scores_come_in_pages(ask: Ask) -> None:
    """The worst first, each with nine parts; of one scenario or node; days that cannot be used are named."""
    first = ask("/v1/health?limit=3")
    second = ask(first.headers["link"].partition("<")[2].partition(">")[0])
    rows = first.json()["rows"] + second.json()["rows"]
    by_node = {row["node"]: row for row in rows}
    assert sorted(by_node) == ["", "shop-1", "shop-2", "shop-3"]
    assert (rows[0]["node"], rows[3]["node"]) == ("shop-3", "shop-1")  # the others are within a point
    assert [row["score"] for row in rows] == sorted(row["score"] for row in rows)
    assert [by_node[""][name] for name in ("advice", "mend", "where")] == ["mend", "promise", "shop-3"]
    assert all(len(row["parts"]) == 9 for row in rows)
    assert [row["node"] for row in ask("/v1/health?node=shop-1&days=30").json()["rows"]] == ["shop-1"]
    assert ask("/v1/health?scenario=labels").json()["rows"] == []
    assert "days" in problem(ask("/v1/health?days=91"), 400)


def test_shops_have_scores_too(ask: Ask) -> None:
    """Where they are named, the worst first; of one node or shop; what cannot be used is named."""
    found = ask("/v1/health?by=shop").json()
    assert [(row["shop"], row["node"], row["advice"]) for row in found["rows"]] == [
        ("noodle-bar", "shop-1", "mend"),
        ("tea-house", "shop-1", "keep"),
    ]
    assert (found["unnamed"], found["next"]) == (4, None)
    assert [row["shop"] for row in ask("/v1/health?shop=tea-house").json()["rows"]] == ["tea-house"]
    assert ask("/v1/health?by=shop&node=shop-2").json()["rows"] == []
    assert "unnamed" not in ask("/v1/health").json()
    assert "node, shop" in problem(ask("/v1/health?by=day"), 400)
    assert "shop has up to 64" in problem(ask("/v1/health?shop=%20"), 400)


def test_books_come_in_pages(ask: Ask) -> None:
    """The latest day first; by node; as CSV too; dates that cannot be used are named."""
    first = ask("/v1/ledger?limit=1")
    second = ask(first.headers["link"].partition("<")[2].partition(">")[0])
    rows = first.json()["rows"] + second.json()["rows"]
    assert [(row["shop"], row["missing_there"], row["other_amount"]) for row in rows] == [
        ("noodle-bar", 2, 1),
        ("tea-house", 0, 0),
    ]
    assert second.json()["next"] is None
    assert ask("/v1/ledger?node=shop-2").json()["rows"] == []
    assert ask("/v1/ledger?from=2020-01-01&to=2020-01-31").json()["rows"] == []
    assert ask("/v1/ledger?format=csv").text.startswith("date,node,shop,at,here,there,missing_here")
    assert "2026-01-31" in problem(ask("/v1/ledger?from=yesterday"), 400)
    assert "not be after" in problem(ask("/v1/ledger?from=2020-02-01&to=2020-01-31"), 400)
    assert ask("/v1/ledger?to=0001-01-01").json()["from"] == "0001-01-01"


def test_rollouts_come_in_pages(ask: Ask) -> None:
    """The newest first, with their nodes by state; one with its options and where each node stands."""
    first = ask("/v1/rollouts?limit=2")
    second = ask(first.headers["link"].partition("<")[2].partition(">")[0])
    listed = first.json()["rollouts"] + second.json()["rollouts"]
    assert [(each["id"], each["state"], each["ending"]) for each in listed] == [
        (3, "running", "stop"),
        (2, "failed", ""),
        (1, "done", ""),
    ]
    assert listed[0]["counts"] == {"failed": 0, "silent": 0, "waiting": 2, "left": 0, "healthy": 0}
    one = ask("/v1/rollouts/3?limit=1")
    rest = ask(one.headers["link"].partition("<")[2].partition(">")[0]).json()
    assert (one.json()["options"], one.json()["started_by"]) == ("retention_days = 3\n", "mei")
    assert [each["node"] for each in one.json()["nodes"] + rest["nodes"]] == ["shop-2", "shop-3"]
    assert rest["nodes"][0]["outcome"] == "trial"
    problem(ask("/v1/rollouts/9"), 404)
    problem(ask("/v1/rollouts/0"), 400)


@pytest.mark.parametrize(
    ("path", "word"),
    [
        ("/v1/series?form=csv", "form"),
        ("/v1/series?format=xml", "format"),
        ("/v1/series?period=week", "period"),
        ("/v1/series?from=yesterday", "from"),
        ("/v1/series?from=5&to=5", "before"),
        ("/v1/series?limit=0", "limit"),
        ("/v1/series?limit=%C2%B2", "limit"),
        ("/v1/series?node=A%20b", "node"),
        ("/v1/series?node=", "node"),
        ("/v1/cells?period=minute&from=0", "periods"),
        ("/v1/nodes?limit=99999999999999999999999", "limit"),
        ("/v1/quarantine?x=1", "none here"),
    ],
)
def test_a_bad_parameter_is_named(ask: Ask, path: str, word: str) -> None:
    """With what to write."""
    assert word in problem(ask(path), 400)


def test_what_is_not_there_is_a_problem(ask: Ask) -> None:
    """Paths, formats."""
    for path in ("/v1/none", "/v1/", "/v1"):
        problem(ask(path), 404)
    problem(ask("/v1/series", headers={"accept": "text/html"}), 406)


def test_a_batch_is_settled_with_the_scope_write(console: Served, ask: Ask) -> None:
    """Stored or given up, or a sentence why not; the log has the token's name."""
    path = "/v1/quarantine/shop-4/1/1"
    (batch,) = ask("/v1/quarantine").json()["batches"]
    assert (batch["node"], batch["epoch"], batch["seq"], batch["reason"]) == ("shop-4", 1, 1, "bad_body")
    problem(ask(path, "read", "POST", json={"action": "discard"}), 403)
    problem(ask(path, "write", "POST", json={"action": "burn"}), 400)
    problem(ask(path, "write", "POST", content=b"{" * 5000), 413)
    assert "cannot be stored" in problem(ask(path, "write", "POST", json={"action": "store"}), 409)
    assert "discarded" in ask(path, "write", "POST", json={"action": "discard"}).json()["detail"]
    problem(ask(path, "write", "POST", json={"action": "discard"}), 409)
    problem(ask("/v1/quarantine/shop-4/x/1", "write", "POST", json={"action": "discard"}), 404)
    entry = console.operators.audit(limit=1)[0]
    assert (entry["who"], entry["what"]) == ("of-write (token)", "quarantine.discarded")


def test_a_centre_that_invites_nobody_answers_so(ask: Ask) -> None:
    """With the option that is missing."""
    for path in ("/v1/invitations", "/v1/revocations"):
        assert "advertised_address" in problem(ask(path, "admin", "POST", json={"node": "shop-9"}), 409)
        problem(ask(path, "write", "POST", json={"node": "shop-9"}), 403)


def test_the_audit_log_comes_in_pages(ask: Ask) -> None:
    """The latest first, each entry once."""
    whole = ask("/v1/audit", "admin").json()["entries"]
    numbers: list[int] = []
    path = "/v1/audit?limit=2"
    while path:
        answer = ask(path, "admin")
        numbers += [entry["number"] for entry in answer.json()["entries"]]
        path = answer.headers.get("link", "").partition("<")[2].partition(">")[0]
    assert numbers == [entry["number"] for entry in whole]


def test_a_session_may_read_and_change_nothing(console: Served, ask: Ask) -> None:
    """So that a page has links to exports; a change needs a token, which no other site can make a browser send."""
    with console.client("admin") as client:
        assert client.get("/v1/series?format=csv").status_code == 200
        assert client.get("/v1/audit").status_code == 200
        problem(client.post("/v1/quarantine/shop-4/1/1", json={"action": "discard"}), 401)
    with console.client("viewer") as client:
        problem(client.get("/v1/audit"), 403)

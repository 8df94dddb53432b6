"""The alert rules, on what a real node shows: each fires under its fault, and nothing else does."""

import json
import re
import resource
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
import yaml

from bench.lab.programs import make_certificates
from bench.lab.site import Site
from tests.edge.certified import enrolled
from tests.phone import Phone, place, site
from tests.waiting import wait_until

RULES = Path(__file__).resolve().parents[2] / "deploy" / "prometheus" / "doorstep.rules.yml"
ALERTS = {rule["alert"]: rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]}

MINUTES = 90
"""For which what the node shows goes on: longer than the longest `for`."""

SAMPLE = re.compile(r"(\w+(?:\{[^}]*\})?) ([0-9.e+-]+)")


def scraped(made: Site) -> dict[str, float]:
    """The node's metrics, by series."""
    request = Request(
        f"http://127.0.0.1:{made.status_port}/metrics", headers={"Authorization": f"Bearer {made.status_token()}"}
    )
    with urlopen(request, timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    return {found[1]: float(found[2]) for line in lines if (found := SAMPLE.fullmatch(line))}


def firing(program: Callable[[str], str], folder: Path, values: dict[str, str]) -> set[str]:
    """Which alerts fire once the series have had these values, in promtool's notation, for MINUTES: promtool is asked
    for each whether it does."""
    series = [
        {"series": re.sub(r"^(\w+)(?:\{(.*)\})?$", _labelled, name), "values": value} for name, value in values.items()
    ]
    found: set[str] = set()
    for name in ALERTS:
        test = {
            "rule_files": [str(RULES)],
            "evaluation_interval": "1m",
            "tests": [
                {
                    "interval": "1m",
                    "input_series": series,
                    "alert_rule_test": [{"eval_time": f"{MINUTES}m", "alertname": name, "exp_alerts": []}],
                }
            ],
        }
        path = folder / f"{name}.yml"
        path.write_text(yaml.safe_dump(test))
        done = subprocess.run([program("promtool"), "test", "rules", str(path)], capture_output=True, text=True)
        if done.returncode:
            assert f"alertname: {name}" in done.stdout + done.stderr, done.stdout + done.stderr
            found.add(name)
    return found


def _labelled(found: re.Match[str]) -> str:
    labels = f"{found[2]}," if found[2] else ""
    return f'{found[1]}{{{labels}instance="box",job="doorstep"}}'


def held(values: dict[str, float]) -> dict[str, str]:
    """Each value as it is, for the whole time; the node answers."""
    return {"up": f"1+0x{MINUTES}", **{name: f"{value:f}+0x{MINUTES}" for name, value in values.items()}}


def test_the_rules_are_sound(program: Callable[[str], str]) -> None:
    """promtool finds no fault; each alert has its severity, a sentence, and what to do."""
    done = subprocess.run([program("promtool"), "check", "rules", str(RULES)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    for rule in ALERTS.values():
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert rule["annotations"]["summary"].endswith((".", ")."))
        assert rule["annotations"]["runbook"]


def test_a_healthy_node_wakes_nobody(tmp_path: Path, program: Callable[[str], str]) -> None:
    """With an order under way and a refusal now and then."""
    with site(tmp_path, "alice", "rider") as made:
        alice, rider = (Phone(name, made.port, made.tokens[name]) for name in ("alice", "rider"))
        assert rider.send("rider.shift", id="s-1", on=True, place={"lat": 31.2, "lon": 121.4}) == 0
        assert place(alice, 1) == 0
        rider.answer("assignment")
        place(alice, 2, shop="")
        values = held(scraped(made))
        alice.close()
        rider.close()
    assert firing(program, tmp_path, values) == set()


def shown(made: Site, name: str) -> dict[str, str]:
    """The metrics once a problem is among them."""
    series = f'doorstep_problem{{name="{name}"}}'
    wait_until(lambda: series in scraped(made), seconds=120)
    return held(scraped(made))


def test_a_dead_node_is_down(tmp_path: Path, program: Callable[[str], str]) -> None:
    """The scrape fails, and every series ends with it."""
    assert firing(program, tmp_path, {"up": f"0+0x{MINUTES}"}) == {"DoorstepDown"}


def test_orders_without_riders_page(tmp_path: Path, program: Callable[[str], str]) -> None:
    """On a fast clock an order waits while nobody is on shift."""
    with site(tmp_path, "alice", clock_speed=60.0) as made:
        alice = Phone("alice", made.port, made.tokens["alice"])
        assert place(alice, 1, at=int(made.status()["clock"]["wall_ms"])) == 0
        values = shown(made, "orders_waiting")
        alice.close()
    assert firing(program, tmp_path, values) == {"DoorstepOrdersWait"}


def test_a_centre_that_is_away_is_a_ticket(tmp_path: Path, program: Callable[[str], str]) -> None:
    """After half an hour, and decisions go on."""
    with site(tmp_path, "alice", uplink="mqtt://127.0.0.1:1") as made:
        values = shown(made, "uplink")
        assert values["doorstep_serving"].startswith("1")
    assert firing(program, tmp_path, values) == {"DoorstepCentreBehind"}


def test_a_certificate_that_ends_is_a_ticket(tmp_path: Path, program: Callable[[str], str]) -> None:
    """Weeks before its end."""
    _, chain, key = make_certificates(tmp_path, 3)
    with site(tmp_path, "alice", listen_tls="127.0.0.1:0", tls_cert=chain.name, tls_key=key.name) as made:
        values = shown(made, "certificate")
    assert firing(program, tmp_path, values) == {"DoorstepCertificate"}


def test_an_enrolment_that_ends_is_a_ticket(tmp_path: Path, program: Callable[[str], str]) -> None:
    """Three weeks before its end, whatever else keeps the node from its centre."""
    with Site(tmp_path).configure(["alice"], centre=False) as made:
        made.node_data.mkdir(mode=0o700)
        enrolled(made.node_data, days=10)
        made.start()
        values = shown(made, "uplink_certificate")
    assert firing(program, tmp_path, values) == {"DoorstepCertificate"}


def test_a_full_disk_pages_and_is_named(tmp_path: Path, program: Callable[[str], str]) -> None:
    """No file may grow any more: the node accepts nothing, and names the problem."""
    with site(tmp_path, "alice") as made:
        alice = Phone("alice", made.port, made.tokens["alice"])
        size = max(path.stat().st_size for path in made.node_data.glob("journal.sqlite3*"))
        made.node.limit(resource.RLIMIT_FSIZE, size)
        number = 0
        while made.status()["serving"]:
            number += 1
            place_without_waiting(alice, number)
            time.sleep(0.01)
            assert number < 2_000
        values = shown(made, "disk")
        made.node.limit(resource.RLIMIT_FSIZE, 1 << 40)
        alice.close()
    assert firing(program, tmp_path, values) == {"DoorstepNotServing", "DoorstepProblem"}


def place_without_waiting(alice: Phone, number: int) -> None:
    """An order whose acknowledgement is of no interest."""
    fields = {"id": f"p-{number}", "at": int(time.time() * 1000), "order": f"o-{number}", "shop": "shop-1"}
    places = {"pickup": {"lat": 31.2, "lon": 121.4}, "dropoff": {"lat": 31.205, "lon": 121.405}, "prep_s": 60}
    alice._client.publish("ds/n-1/up/alice/order.place", json.dumps({**fields, **places}), qos=1)


@pytest.mark.parametrize(
    ("values", "alerts"),
    [
        (
            {
                'doorstep_stage_seconds_bucket{stage="total",le="1.0"}': "0+10x90",
                'doorstep_stage_seconds_bucket{stage="total",le="2.0"}': "0+20x90",
                'doorstep_stage_seconds_bucket{stage="total",le="+Inf"}': "0+20x90",
            },
            {"DoorstepSlow"},
        ),
        (
            {'doorstep_refused_total{reason="malformed"}': "0+30x90", 'doorstep_received_total{kind="x"}': "0+100x90"},
            {"DoorstepRefuses"},
        ),
        ({"doorstep_uptime_seconds": "0+60x70 0 60 0 60 0 60 0+60x13"}, {"DoorstepRestarts"}),
    ],
    ids=["slow", "refusals", "restarts"],
)
def test_what_takes_long_to_come_about_fires_too(
    tmp_path: Path, program: Callable[[str], str], values: dict[str, str], alerts: set[str]
) -> None:
    """Rates over minutes, restarts over an hour: on series as a node would make them."""
    assert firing(program, tmp_path, values) == alerts

"""Metrics of a real node beyond loopback, and a dashboard that asks for nothing which no node has."""

import json
import re
import signal
import ssl
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import yaml

from bench.lab.programs import make_certificates
from bench.lab.settings import write_private
from tests.phone import Phone, place, site
from tests.repo.project import ROOT
from tests.waiting import wait_until

DASHBOARD = json.loads((ROOT / "deploy/grafana/doorstep.json").read_text(encoding="utf-8"))
QUERIES: dict[str, list[str]] = {
    panel["title"]: [target["expr"] for target in panel["targets"]] for panel in DASHBOARD["panels"]
}


def scrape(port: int, token: str, authority: Path) -> tuple[int, str]:
    """Status and text of one scrape."""
    request = Request(f"https://localhost:{port}/metrics", headers={"Authorization": f"Bearer {token}"})
    try:
        with urlopen(request, timeout=20, context=ssl.create_default_context(cafile=str(authority))) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as error:
        return error.code, ""


def test_a_scraper_elsewhere_and_the_dashboard(tmp_path: Path) -> None:
    """A node with TLS and a centre has every metric and label of every query; a reload takes a new token."""
    authority, chain, key = make_certificates(tmp_path)
    write_private(tmp_path / "metrics.token", "first-token")
    options: dict[str, Any] = {"listen_metrics": "127.0.0.1:0", "metrics_token_file": "metrics.token"}
    options |= {"tls_cert": chain.name, "tls_key": key.name}
    with site(tmp_path, "alice", "rider", centre=True, **options) as made:
        port = made.ports()["listen_metrics"]
        alice, rider = (Phone(name, made.port, made.tokens[name]) for name in ("alice", "rider"))
        assert rider.send("rider.shift", id="s-1", on=True, place={"lat": 31.2, "lon": 121.4}) == 0
        assert place(alice, 1) == 0
        rider.answer("assignment")
        place(alice, 2, shop="")
        wait_until(lambda: "doorstep_sync_last_ack_age_s" in scrape(port, "first-token", authority)[1])
        _, text = scrape(port, "first-token", authority)
        write_private(tmp_path / "metrics.token", "second-token")
        made.node.send_signal(signal.SIGHUP)
        wait_until(lambda: scrape(port, "second-token", authority)[0] == 200)
        assert scrape(port, "first-token", authority)[0] == 401
        alice.close()
        rider.close()
    assert asks_for_what_is_missing(text) == []


def asks_for_what_is_missing(text: str) -> list[str]:
    """The queries with a metric that is not in a scrape, or with a label that the metric has not."""
    labels: dict[str, set[str]] = {name: {"instance"} for name in re.findall(r"^# TYPE (\w+) ", text, re.MULTILINE)}
    for name, inside in re.findall(r"^(\w+)(?:\{(.*)\})? ", text, re.MULTILINE):
        labels.setdefault(name, {"instance"}).update(re.findall(r'(\w+)="', inside))
    labels["doorstep_dropped_total"].add("reason")  # nothing was dropped, so the scrape has no sample of it
    labels["doorstep_problem"].add("name")
    missing: list[str] = []
    for title, queries in QUERIES.items():
        for query in queries:
            names = re.findall(r"\b(doorstep_\w+)", query)
            asked = {*re.findall(r'(\w+)=~?"', query)}
            asked |= {each for group in re.findall(r"\bby \(([^)]*)\)", query) for each in group.split(", ")}
            missing += [f"{title}: {name} of {query}" for name in names if name not in labels]
            missing += [
                f"{title}: {each} of {query}"
                for each in asked
                if not any(each in labels[n] for n in names if n in labels)
            ]
    return missing


def test_the_dashboard_s_queries_are_sound(tmp_path: Path, program: Callable[[str], str]) -> None:
    """promtool understands each; each panel has a title of its own and shows something."""
    assert len(QUERIES) == len(DASHBOARD["panels"]) > 10
    plain = [
        query.replace("$__rate_interval", "5m").replace("$instance", ".+")
        for each in QUERIES.values()
        for query in each
    ]
    rules = [{"record": f"query:{number}", "expr": query} for number, query in enumerate(plain)]
    path = tmp_path / "queries.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}), encoding="utf-8")
    done = subprocess.run([program("promtool"), "check", "rules", str(path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    provider = yaml.safe_load((ROOT / "deploy/grafana/provisioning.yml").read_text(encoding="utf-8"))["providers"][0]
    assert provider["type"] == "file"
    assert not any("${" in query for query in plain)


def test_the_part_of_prometheus_yml_is_sound(tmp_path: Path, program: Callable[[str], str]) -> None:
    """promtool takes it, with its token files and rules in place."""
    text = (ROOT / "deploy/prometheus/prometheus.yml").read_text(encoding="utf-8")
    (tmp_path / "doorstep.rules.yml").write_bytes((ROOT / "deploy/prometheus/doorstep.rules.yml").read_bytes())
    for name in set(re.findall(r"/etc/prometheus/([\w.-]+)", text)):
        (tmp_path / name).write_text("a token\n", encoding="utf-8")
    path = tmp_path / "prometheus.yml"
    path.write_text(text.replace("/etc/prometheus/", f"{tmp_path}/"), encoding="utf-8")
    done = subprocess.run([program("promtool"), "check", "config", str(path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr

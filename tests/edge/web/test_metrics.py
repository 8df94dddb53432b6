"""Metrics: what Prometheus reads agrees with the status."""

from collections.abc import Callable

from prometheus_client.parser import text_string_to_metric_families

from tests.edge.web.feed import Feed

Ask = Callable[..., tuple[int, dict[str, str], bytes]]


def samples(ask: Ask) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Every sample of a scrape by its name and labels."""
    status, headers, body = ask("/metrics")
    assert status == 200
    assert headers["content-type"].startswith("text/plain; version=0.0.4")
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(body.decode())
        for sample in family.samples
    }


def test_a_scrape_holds_the_counters_gauges_and_histograms(ask: Ask, feed: Feed) -> None:
    """Counters by reason, orders by state, queue bounds, the state and the stages' histograms: the right values."""
    feed.status.refused("not_yours", 3)
    found = samples(ask)
    assert found["doorstep_refused_total", (("reason", "not_yours"),)] == 3
    assert found["doorstep_received_total", (("kind", "order.place"),)] > 0
    assert found["doorstep_orders", (("state", "placed"),)] == 6
    assert found["doorstep_queue_limit", (("queue", "commit"),)] == 4096
    assert found["doorstep_state", (("state", "ok"),)] == 1
    assert found["doorstep_sync_connected", ()] == 1
    assert found["doorstep_process_rss_mb", ()] > 5
    count = found["doorstep_stage_seconds_count", (("stage", "commit"),)]
    assert count == found["doorstep_stage_seconds_bucket", (("le", "+Inf"), ("stage", "commit"))] == 60 * 20
    assert 0 < found["doorstep_stage_seconds_sum", (("stage", "commit"),)] < count


def test_a_problem_is_a_metric_while_it_lasts(ask: Ask, feed: Feed) -> None:
    """An alert can be written on the name of a problem."""
    feed.status.alarm("journal", "The disk is full. Free some space.", serving=False)
    assert samples(ask)["doorstep_problem", (("name", "journal"),)] == 1
    feed.status.alarm("journal", None)
    assert ("doorstep_problem", (("name", "journal"),)) not in samples(ask)

"""What the search adds up to. (The whole one runs in test_command.)"""

from bench.load.throughput_run import cpu_over


def test_processor_time_is_compared_at_the_nearest_rate() -> None:
    """A server that is asked faster needs less for each message; without a cost there is no ratio."""
    other = {
        "tried": [{"rate": 100.0, "cpu_us": 50.0}, {"rate": 900.0, "cpu_us": 20.0}, {"rate": 5_000.0, "cpu_us": 5.0}]
    }
    assert cpu_over({"rate": 1_000.0, "cpu_us": 60.0}, other) == 3.0
    assert cpu_over({"rate": 1_000.0, "cpu_us": 60.0}, {"tried": [{"rate": 900.0, "cpu_us": 0.0}]}) is None

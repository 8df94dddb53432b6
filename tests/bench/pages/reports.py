"""One report of each kind, as short as it can be. (The commands' own tests show the page what they really write.)"""

from typing import Any, Final

_TIMES: Final = {"p50": 0.5, "p99": 2.0, "p999": 40.0, "max": 41.0}
_LATE: Final = {"over_ms": 1.0, "share": 0.02, "p99_ms": 1.5, "too_late": True}
_WHERE: Final = {
    "machine": {
        "processor": "A Processor",
        "cores": 2,
        "kernel": "6.1",
        "python_loop_ms": 7.5,
        "file_system": "ext4",
        "load_average": [0.5, 0.4, 0.3],
        "measured_at": "2026-01-31T12:00:00+00:00",
    },
    "versions": {"python": "3.11.7", "doorstep": "0.1.0", "mqtt5": "0.8.0"},
    "generator_late": _LATE,
}
_TRIED: Final = [
    {"rate": 200.0, "held": True, "p50": 1.0, "p99": 5.0, "cpu_us": 90.0, "why": ""},
    {"rate": 400.0, "held": False, "p50": 9.0, "p99": 90.0, "cpu_us": 80.0, "why": "p99 of 90.0 ms"},
]
_SEARCH: Final = {"best": _TRIED[0], "tried": _TRIED}
_STAGES: Final = {"connection": 0.0, "way up": 160.0, "rider": 2.0, "node": 1.0, "way down": 170.0}


def _size(size: int, field: str) -> dict[str, Any]:
    return {"size": size, field: _TIMES, "memory_mb": size / 1000}


_GROWTH: Final = {"level": 60.0, "per_hour": 0.4, "low": -0.2, "high": 1.0, "upward": False}
_SERIES: Final = {
    "seconds": [0.0, 5.0, 10.0],
    "life": [0, 0, 1],
    "rss_mb": [50.0, 51.0, 40.0],
    "fds": [9, 9, 8],
    "disk_mb": [1.0, 1.1, 1.2],
}

_FLOOD: Final = {
    "p99_before_ms": 2.5,
    "p99_during_ms": 4.8,
    "p99_sink_ms": 2.4,
    "ratio": 1.92,
    "node_cores": 0.13,
    "megabytes": 5.0,
    "sink_megabytes": 5.1,
    "connections": 146,
    "sink_connections": 1,
    "noted": {"malformed": 120},
}

REPORTS: Final[dict[str, dict[str, Any]]] = {
    "flood": {
        "benchmark": "flood",
        "floods": {"filters": _FLOOD, "http": {**_FLOOD, "noted": {}}},
        "ratio_max": 1.92,
        "sent": 240,
        "lost": 0,
        "refused": 0,
        "plan": {"rate": 40.0, "seconds": 1.0, "turns": 1, "megabytes_per_s": 5.0},
        **_WHERE,
    },
    "latency": {
        "benchmark": "latency",
        **dict.fromkeys(("floor_ms", "fsync_ms", "mosquitto_ms", "packets_ms", "doorstep_ms"), _TIMES),
        "stages_ms": {"commit": {"p50": 0.3, "p99": 1.0}},
        "ratio": {"p50": 1.2, "p99": 1.5},
        "ratio_mosquitto": {"p50": 1.1, "p99": 1.3},
        "ratio_packets": {"p50": 1.1, "p99": 1.2},
        "rate": 500.0,
        "sent": 5_000,
        "lost": 0,
        "refused": 0,
        "duplicates": 0,
        "plan": {"clients": 200, "mode": "endpoint", "transport": "tcp"},
        **_WHERE,
    },
    "throughput": {
        "benchmark": "throughput",
        "search": {"clients": 200, "seconds": 3.0},
        **dict.fromkeys(("doorstep", "mosquitto", "floor", "packets"), _SEARCH),
        "mix": [{"points": 10, "events_per_s": 5e4, "events_per_cpu_s": 6e4, "lost": 0}],
        "positions": [{"points": 10, "points_per_s": 5e4, "points_per_cpu_s": 6e4, "lost": 0}],
        **_WHERE,
    },
    "phone": {
        "benchmark": "phone",
        "networks": [
            {
                "name": "300 ms, 1 % stalls",
                "orders": 600,
                "phone_ms": _TIMES,
                "within_8_s": 0.999,
                "waterfall_ms": {"mean": _STAGES, "slowest": _STAGES},
                "lost": 0,
                "reconnects": 3,
            }
        ],
        **_WHERE,
    },
    "scale": {
        "benchmark": "scale",
        **{what: [_size(10, "decide_ms"), _size(100, "decide_ms")] for what in ("riders", "carried", "waiting")},
        "clients": [_size(10, "ms")],
        "exponents": {
            f"{what}_{cost}": None if what == "clients" else 0.25
            for what in ("riders", "carried", "waiting", "clients")
            for cost in ("p50", "memory")
        },
        **_WHERE,
    },
    "footprint": {
        "benchmark": "footprint",
        "plan": {"hours": 1.0, "speed": 60.0},
        "start_s": {"empty": {"median": 0.4}, "after_hour": {"median": 0.5}},
        "idle": {"rss_mb": 55.0, "wake_ups_per_s": 1.2, "cpu_share": 0.001},
        "after_hour": {"rss_mb": 60.0, "rows": 900, "orders": 360, "riders": 200, "positions": 72_000},
        "full_house": {"rss_mb": 70.0, "riders": 1_000, "orders_open": 1_000},
        "installed": {"total_mb": 120.0, "distributions": 24, "largest_mb": {"numpy": 57.0, "lapx": 15.0}},
        **_WHERE,
    },
    "peers": {
        "benchmark": "peers",
        "peers": {
            "doorstep": {
                "what": "Doorstep, endpoint",
                "durable": True,
                "version": "0.1.0",
                "at": {"100": {**_TIMES, "lost": 0, "cpu_us": 900.0, "fell_behind": False}},
                **_SEARCH,
                "kill": {"acknowledged": 500, "lost": 0, "twice": 3, "hole_s": 0.54},
                "uplink_cut": {"seconds": 60.0, "orders": 3_500, "lost": 0},
            },
            "script": {
                "what": "a script",
                "durable": False,
                "version": "2.5",
                "at": {},
                "best": None,
                "tried": _TRIED[1:],
            },
        },
        "over_reference": {
            "reference": "script",
            "rounds": 3,
            "at": {"100": {"p50": 0.5, "p99": 2.0}},
            "geometric_mean": 1.0,
        },
        "missing": {"node-red": "Node.js is not installed."},
        "plan": {"riders": 200, "clients": 100},
        **_WHERE,
    },
    "central": {
        "benchmark": "central",
        "store": "sqlite",
        "collectors": 1,
        "nodes": 2000,
        "batches_per_s": 2600,
        "counters_per_s": 130_000,
        "stored_over_copy": 0.36,
        "lag_p99_s": 0.1,
        "summary_p99_ms": 40.0,
        "ack_pause_s": 0.8,
        "sent": 60_000,
        "lost": 0,
        "doubled": 0,
        "bytes_per_node_day": {tier: {"small": 1_000, "busy": 20_000} for tier in ("minutes", "hours", "days")},
        "plan": {"nodes": 2000},
    },
    "labels": {
        "benchmark": "labels",
        "set_to_show_ms": _TIMES,
        "rate": 50.0,
        **dict.fromkeys(("sent", "shown", "lost", "refused", "unconfirmed"), 0),
        "plan": {"labels": 500},
        **_WHERE,
    },
    "dispatch": {"instances": {"0o50": {}}, "mean": {"ctd_mean": 31.5, "bundled": None, "decide_ms": {"p50": 0.2}}},
    "decide-times": {
        "decide_times": {
            "policy": "doorstep",
            "cases": {"117x211": {"decide_ms": {"p50": 7.0, "p99": 9.1, "max": 12.0}, "p99_max_ms": 10.0}},
        }
    },
    "outage": {
        "benchmark": "outage",
        "minutes_offline": 90.0,
        "plan": {"speed": 1440.0, "rate": 50.0},
        "lost": 1,
        "doubled": 0,
        "node_cpu_us_an_event": {"before": 500.0, "cut": 510.0},
        "events": {"at_node": 10, "at_centre": 9},
        "outbox_disk_bytes_max": 2_000_000,
        "proof": {"sentences": ["The journal holds 10 events, the centre counts 9."]},
        "outages": [
            {
                "windows": 40,
                "events": 900,
                "backlog_bytes": 9_000,
                "drain_s": 2.0,
                "reconnect_s": 1.0,
                "windows_per_s": 20.0,
                "events_per_s": 450.0,
                "kills": kills,
            }
            for kills in (0, 2)
        ],
        "local_ms": {"before": {"orders": 900, "p50": 1.5, "p99": 9.0}, "cut": {"orders": 800, "p50": 1.4, "p99": 8.9}},
        "local_p99_ratio": 0.99,
        "local_p99_ratio_90": [0.9, 1.1],
        "drain_live_p99_ratio": None,
        "timeline": {
            "s": [0.0, 1.0, 2.0],
            "backlog_bytes": [0, 5_000, 0],
            "windows": [0, 7, 0],
            "p99_s": [0.0, 1.0],
            "p99_ms": [1.5, 40.0],
            "cuts": [[0.5, 1.0]],
            "kills": [0.7],
        },
        **_WHERE,
    },
    "soak": {
        "benchmark": "soak",
        "minutes": 0.5,
        "days": 0.1,
        "events": 5_000,
        "lost": 0,
        "doubled": 0,
        "faults": {"cut": 1, "kill_node": 1},
        "died_unordered": {"edge": 0},
        "upward": ["node_rss_mb"],
        "schedule": [[3.0, "cut", 4.0], [8.0, "kill_node", 0.0]],
        "judged_from_s": 7.5,
        "slopes": {"node_rss_mb": {"over_all": _GROWTH, "within_lives": _GROWTH}, "node_fds": {"over_all": _GROWTH}},
        "timeline": {"node": _SERIES, "centre": _SERIES},
        **_WHERE,
    },
    "pieces": {
        "benchmarks": [
            {"name": "test_handle[1]", "stats": {"min": 3e-4, "median": 4e-4, "mean": 5e-4, "rounds": 40}},
        ],
        "machine_info": {"python_version": "3.11.7", "release": "6.1", "cpu": {"brand_raw": "A Processor", "count": 2}},
        "datetime": "2026-01-31T12:00:00",
    },
}

"""The load generator: connections, pacing, open-loop schedules, workloads."""

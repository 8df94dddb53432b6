"""The node: MQTT events in, decisions made and durable, answers out, aggregates to the centre."""

VERSION = "0.1.0"
"""As in pyproject.toml. Who asks the installed distribution for it imports and reads for 10 ms, at each start."""

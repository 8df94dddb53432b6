"""The node: MQTT events in, decisions made and durable, answers out, aggregates to the centre."""

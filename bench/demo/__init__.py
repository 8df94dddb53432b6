"""The demonstration: a simulated district whose people talk to a real node as real MQTT clients, and the proof that
nothing of what they were promised was lost."""

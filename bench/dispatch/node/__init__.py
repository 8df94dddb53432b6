"""The same day once more through a node process, over MQTT: its decisions against the benchmark's, one by one."""

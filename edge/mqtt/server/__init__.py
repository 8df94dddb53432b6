"""The node's own MQTT endpoint: listeners, connections, sessions."""

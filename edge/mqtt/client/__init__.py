"""MQTT connections that the node opens itself: to a broker, to the centre."""

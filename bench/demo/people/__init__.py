"""The people of the simulated district, each with an MQTT client of its own."""

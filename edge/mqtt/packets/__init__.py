"""MQTT packets and WebSocket frames as bytes, without any I/O."""

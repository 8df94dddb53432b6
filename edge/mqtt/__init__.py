"""MQTT on the wire: codec and sessions without I/O, and the sockets around them."""

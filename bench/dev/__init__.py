"""A place to write a client: a node, riders that move, the pages of an app, and every message as it goes by."""

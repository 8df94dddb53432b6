"""Alerts: what is wrong in the fleet, sent to people by webhook when it begins and when it ends."""

"""Alerts: what is wrong in the fleet, told to people by webhook when it begins and when it ends."""

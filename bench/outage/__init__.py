"""The outage as users meet it: the uplink goes, the node goes on, nothing is missing when it is back."""

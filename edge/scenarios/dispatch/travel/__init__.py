"""Places and rides: cells, how long a ride takes, and who is nearest."""

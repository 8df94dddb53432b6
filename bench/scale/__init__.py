"""What more of everything costs: riders on the map, open orders, connections."""

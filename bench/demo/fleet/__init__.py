"""Several nodes at one centre: `doorstep demo --nodes 5`."""

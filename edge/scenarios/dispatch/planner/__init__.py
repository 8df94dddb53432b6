"""The plan: who fetches which orders in which sequence, kept and improved from decision to decision.

Pure, and without a unit of time of its own: the benchmark plans in whole minutes, a node in seconds. Read the modules
in this sequence: `trips` is the cost function and the work of a courier at one shop, `routes` the trips of a courier
one after the other. `insertion` and `search` are the moves that improve routes, and the search that applies them.
"""

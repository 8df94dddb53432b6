"""The plan: who fetches which orders in which sequence, kept and improved from decision to decision.

Pure, and without a unit of time of its own: the benchmark plans in whole minutes, a node in seconds. Read the modules
in this sequence: `weights` is the cost function, `trips` the work of a courier at one shop, `routes` the trips of a
courier one after the other. `insertion`, `relocation` and `exchange` are the moves that improve routes, `coverage`
rates where idle couriers stand, `improvement` is the search that applies the moves.
"""

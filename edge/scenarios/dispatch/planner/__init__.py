"""The plan: who fetches which orders in which sequence, kept and improved from decision to decision.

Pure, and without a unit of its own: the benchmark plans in whole minutes, a node in seconds. Reads in this sequence:
`weights` says what is good, `trips` what a courier does at one shop, `routes` what one courier does after another;
`insertion`, `relocation` and `exchange` change routes for the better, `coverage` weighs where idle couriers stand, and
`improvement` puts them together.
"""

"""Mutants that no test can catch, since they behave as the code does; each with its reason.

A key is the file, its line, and the line that the mutant has instead, without the space around them.
"""

EQUIVALENT: dict[tuple[str, str, str], str] = {}

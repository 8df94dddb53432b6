"""How large the code base is, and how many files one order passes through."""

"""How good dispatch is on the public meal-delivery instances: a simulator that enforces every rule, a scorer that
shares no logic with it, and the policies to compare."""

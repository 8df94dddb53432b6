"""The strict simulator, its rules, and the scorer."""

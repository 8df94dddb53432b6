"""What the centre keeps, on SQLite or PostgreSQL: one contract, `Store` to write and `Reader` to ask."""

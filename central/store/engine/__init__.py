"""The two engines under the store: what SQL needs of them, the tables, SQLite, PostgreSQL."""

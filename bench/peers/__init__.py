"""The same job done by others: what a user would otherwise build."""

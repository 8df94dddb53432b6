"""Who may connect: credentials and certificates."""

"""Who may look at the centre and change it: operators, their sessions, tokens for programs, and the audit log."""

"""Load, floors and measurements: one file for each question asked, and the demonstration."""

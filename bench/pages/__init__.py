"""All reports of a folder on one page."""

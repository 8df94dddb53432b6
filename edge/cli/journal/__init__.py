"""Commands that read a journal, whether its node runs or not."""

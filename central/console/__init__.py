"""The console: what operators look at, and what they may change there."""

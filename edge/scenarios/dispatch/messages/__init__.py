"""The messages of dispatch, both ways: `up` and `down`; `overrides` and `board` are of dispatchers."""

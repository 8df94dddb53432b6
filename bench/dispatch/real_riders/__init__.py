"""The track `--riders real`: whether a node keeps its promises among people and kitchens as they are."""

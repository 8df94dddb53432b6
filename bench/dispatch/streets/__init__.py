"""The benchmark on streets as they are, `--riders real`: whether a node keeps its promises among real people."""

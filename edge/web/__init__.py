"""The node's own page, its JSON and its metrics, on loopback: what an operator looks at, without internet."""

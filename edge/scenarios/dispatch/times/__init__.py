"""What a node learns about time: preparation, rides, handovers, and the errors of promises."""

"""This tree against another revision, or one report against another: paired, with intervals."""

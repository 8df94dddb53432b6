"""The decision of a round: candidates, bundling, matching, plan, and the reasons."""

"""The decision of one round: candidates, bundles, matching, plan, and the reasons."""

"""What people and programs ask of the sums: over time, by node, by place. Read from the tiers, in bounded time."""

"""Days of load with random faults: what grows without end shows here."""

"""The state of dispatch: orders, riders, positions, deadlines, and the sensor through which a round sees positions."""

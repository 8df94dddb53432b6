"""What travels: the envelope of events and answers, batches for the centre, coordinates."""

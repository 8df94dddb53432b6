"""Who publishes during an outage: tills and riders, and the clock they share."""

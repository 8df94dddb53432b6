"""From a customer's tap to the rider's phone, over networks as phones have them: the eight seconds' budget."""

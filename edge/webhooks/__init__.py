"""Webhooks: answers of chosen kinds, pushed to the app's server. The journal is the outbox: nothing is stored twice."""

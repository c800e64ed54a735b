"""Webhooks: endpoints, the outbox of events, and their deliveries."""

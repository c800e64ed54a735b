"""Health, metrics, alerts and the log."""

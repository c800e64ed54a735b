"""This process: its settings, providers, stores, job queue and counts."""

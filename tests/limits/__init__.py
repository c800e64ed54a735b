"""Limits: what a user may ask for in a minute and in a day."""

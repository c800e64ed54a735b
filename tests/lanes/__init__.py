"""Whose turn it is, and long queues."""

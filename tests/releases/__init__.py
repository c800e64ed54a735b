"""Releases beside one another, and one after another."""

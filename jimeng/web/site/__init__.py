"""Shared parts of all pages: navigation, preferences, formats, static files."""

"""Schemas of the REST API: what it accepts and returns, described for OpenAPI."""

"""Attacks, each tried; docs/security.md lists them."""

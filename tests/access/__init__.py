"""Proving to be a user: keys, sessions, invitations."""

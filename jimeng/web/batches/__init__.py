"""Batch pages: the form, the list, and the progress of one batch."""

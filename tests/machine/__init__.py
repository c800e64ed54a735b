"""A state machine over the real documents: what may happen, in any interleaving."""

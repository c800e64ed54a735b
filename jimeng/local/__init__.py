"""
What one machine needs to run everything, and production never imports: supervisor,
embedded databases, simulator.

Only `app`, `cli` and these themselves may import it.
"""

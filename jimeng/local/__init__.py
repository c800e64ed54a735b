"""
What one machine needs to run everything, and production never imports: supervisor,
embedded databases, simulator.
"""

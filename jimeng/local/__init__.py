"""
Run everything on one machine: supervisor, embedded databases, simulator. Production
never imports it.
"""

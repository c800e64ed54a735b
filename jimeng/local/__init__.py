"""
Run everything on one machine: supervisor and embedded databases. Production never
imports it.
"""

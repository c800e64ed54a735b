"""
For machines that watch this one: health and metrics.

A door: only `app` may import it.
"""

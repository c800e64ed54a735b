"""
For machines that watch this one: health and metrics.

Only `app` may import it.
"""

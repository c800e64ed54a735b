"""
For machines that watch this one: health and metrics.

`app` and `doctor` may import it.
"""

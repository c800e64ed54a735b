"""For machines that watch this one: health and metrics."""

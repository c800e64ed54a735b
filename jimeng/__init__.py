"""jimeng: a prompt goes in, a picture comes out and stays."""

__version__ = "0.1.0"

"""jimeng: a prompt goes in, a picture comes out and stays."""

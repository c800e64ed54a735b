"""The web server's front."""

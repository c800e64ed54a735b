"""What all pages share: navigation, preferences, formats, static files."""

"""Every known answer of Volcengine, and what comes of it here."""

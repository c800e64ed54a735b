"""Who used what, and when."""

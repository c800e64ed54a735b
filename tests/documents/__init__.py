"""What is stored, its indexes, and databases that are slow or talk rubbish."""

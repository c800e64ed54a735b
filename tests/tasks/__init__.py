"""What users do with what is drawn: find it, take it away, delete it."""

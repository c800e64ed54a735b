"""Gallery: a user browses, collects, shares, downloads and deletes pictures."""

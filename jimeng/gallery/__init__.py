"""Gallery: browse, collect, share, download and delete a user's pictures."""

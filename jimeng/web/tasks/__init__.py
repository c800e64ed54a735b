"""Task pages: the feed with its cards, and the list of all tasks."""

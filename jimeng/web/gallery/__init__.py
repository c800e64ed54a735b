"""Gallery pages: browsing, collections, shares, trash, downloads, saved prompts."""

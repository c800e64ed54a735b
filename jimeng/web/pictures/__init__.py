"""The page of one picture, its edits, and the files of all pictures."""

"""The page of one picture, its edits, and the bytes of all."""

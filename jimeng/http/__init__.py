"""
HTTP as all doors have it: bodies read strictly, answers in JSON, files, tags.

`schemas`, `app` and the doors may import it.
"""

"""
HTTP as all doors have it: bodies read strictly, answers in JSON, files, tags; and those
who wait for an answer.
"""

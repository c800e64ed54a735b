"""The Create page: the form that requests pictures."""

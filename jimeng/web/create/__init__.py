"""The Create page: the form that asks for pictures."""

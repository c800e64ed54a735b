"""The table of models, and choosing one."""

"""The databases and the supervisor of `make run`."""

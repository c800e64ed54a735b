"""What belongs to the process: its job queue, whether it is idle."""

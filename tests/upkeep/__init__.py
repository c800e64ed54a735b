"""From the queue to the kept picture."""

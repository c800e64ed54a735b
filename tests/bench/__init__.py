"""
Speed, as ratios in one run: ``make bench``.

The product's submissions and looks beside bare Flask views that do the least that
could be called the same: validate, insert, enqueue; and read. Both run in the same
Gunicorn over the same MongoDB and Redis, in turns, so that what the machine does
besides hits both.
"""

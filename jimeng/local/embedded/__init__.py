"""
Embedded MongoDB and Redis servers, and child processes that exit with their parent.

For ``make run`` and ``make test`` on machines without these servers. Both are the real
programs, on loopback ports that are stable across runs, with data, logs and random
passwords in a directory that the caller chooses.
"""

from jimeng.local.embedded.child_process import Child
from jimeng.local.embedded.mongo import Mongo
from jimeng.local.embedded.private_files import stored_secret, write_private
from jimeng.local.embedded.redis import Redis
from jimeng.local.embedded.server import is_open, store_port

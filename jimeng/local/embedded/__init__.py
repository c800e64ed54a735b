"""
A MongoDB and a Redis of one's own, and children that never outlive their parent.

For ``make run`` and ``make test`` on a machine that has neither server. Both are
the real ones, on loopback ports that stay the same from run to run, with their
data, logs and random passwords in a directory of the caller's.
"""

from jimeng.local.embedded.child_process import Child
from jimeng.local.embedded.mongo import Mongo
from jimeng.local.embedded.private_files import stored_secret, write_private
from jimeng.local.embedded.redis import Redis
from jimeng.local.embedded.server import is_open, store_port

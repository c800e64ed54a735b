"""
Gunicorn's settings: ``gunicorn wsgi:app`` reads this file by itself.

Nothing of `jimeng` may be loaded here: workers are forked from this process, and load
the application anew after SIGHUP. Nor anything else that gevent has to patch first.
"""

import json
import logging
import os
import resource
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from datetime import UTC, datetime

import gevent
from gevent import monkey
from gunicorn import util
from gunicorn.glogging import Logger
from gunicorn.workers.ggevent import GeventWorker

CHECKED = "JIMENG_GUNICORN_SETTINGS"
CLOSE_IDLE_AFTER_S = 1.0  # from the stop on, and from then on as often
LINGER_S = 2.0
OPEN_FILES = 500  # of a process, besides its connections

command = [sys.executable, "-m", "jimeng.config.server"]
checked = subprocess.run(command, stdout=subprocess.PIPE, check=False)  # noqa: S603
if checked.returncode == 0:
    os.environ[CHECKED] = checked.stdout.decode()
elif CHECKED not in os.environ:  # after SIGHUP the new workers refuse to start
    sys.exit(checked.returncode)
ours = json.loads(os.environ[CHECKED])

bind = ours["bind"]
workers = 2
worker_connections = ours["worker_connections"]
# Longer than clients and proxies keep idle connections: if the server closes first, a
# request may already be on its way.
keepalive = 75
graceful_timeout = ours["graceful_timeout"]
loglevel = ours["loglevel"]
# The default of 4 KiB is too short for a page with a hundred unfinished cards.
limit_request_line = 8190
# By default a proxy on this machine may set the path by headers, and so may any client
# that sends them through the proxy.
forwarder_headers = ""
control_socket_disable = True
sendfile = False  # it would hold up the other greenlets

soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
wanted = worker_connections + OPEN_FILES
if hard != resource.RLIM_INFINITY:
    wanted = min(wanted, hard)
if soft != resource.RLIM_INFINITY and soft < wanted:
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))

# One byte, for the first worker that refuses to start.
refusal, refusals = os.pipe()
os.set_blocking(refusal, False)
os.write(refusals, b"1")


class Formatter(logging.Formatter):
    """The same lines as those of `jimeng.config.logs`."""

    def format(self, record):
        time = datetime.fromtimestamp(record.created, UTC)
        time = time.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        level, message = record.levelname.lower(), record.getMessage()
        if record.exc_info:
            message += "\n" + self.formatException(record.exc_info)
        if ours["log_format"] != "json":
            return f"{time} {level:7} {record.name} {message}"
        line = {"time": time, "level": level, "logger": record.name}
        return json.dumps(line | {"message": message})


class Log(Logger):
    """Leave the lines to the root logger, whose handler the application replaces."""

    def setup(self, cfg):
        super().setup(cfg)
        handler = logging.StreamHandler()
        handler.setFormatter(Formatter())
        logging.getLogger().handlers[:] = [handler]
        self.error_log.handlers.clear()
        self.error_log.propagate = True


class Worker(GeventWorker):
    """Gevent's worker, which refuses in order and closes idle connections."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.connections, self.requests = set(), {}

    def load_wsgi(self):
        from jimeng.serve import web

        web.is_configured = True
        try:
            super().load_wsgi()
        except SystemExit:
            # Gunicorn stops for the first worker that refuses; a second refusal would
            # end that stop with a traceback and another status.
            with suppress(BlockingIOError):
                os.read(refusal, 1)
                raise
            while self.alive:
                gevent.sleep(0.1)
            sys.exit()

    def handle(self, listener, client, addr):
        self.connections.add(client)
        try:
            super().handle(listener, client, addr)
        finally:
            self.connections.discard(client)

    def handle_request(self, listener_name, req, sock, addr):
        self.requests[sock] = req
        try:
            super().handle_request(listener_name, req, sock, addr)
        except StopIteration:
            linger(sock)
            raise
        finally:
            del self.requests[sock]

    def handle_error(self, req, client, addr, exc):
        super().handle_error(req, client, addr, exc)
        linger(client)

    def close_idle(self, shut_down):
        """End the waits at a stop, and the connections without a request."""
        while self.alive:
            gevent.sleep(0.25)
        shut_down()
        plain = monkey.get_original("socket", "socket")
        while True:
            gevent.sleep(CLOSE_IDLE_AFTER_S)
            for each in self.connections - self.requests.keys():
                # Gevent's own `shutdown` raises in the greenlet that reads.
                with suppress(OSError), plain(fileno=os.dup(each.fileno())) as same:
                    same.shutdown(socket.SHUT_RD)


def linger(sock):
    """Let a client that still sends read the response: a close would reset it."""
    with suppress(OSError), gevent.Timeout(LINGER_S, False):
        sock.shutdown(socket.SHUT_WR)
        while sock.recv(65_536):
            pass


logger_class, worker_class = Log, Worker


def post_fork(server, worker):
    """Until it has handlers of its own, a signal ends a worker."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, signal.SIG_DFL)


def post_worker_init(worker):
    from jimeng.serve import web

    util.write_error = web.write_error
    web.begin(worker.wsgi, worker.requests)
    gevent.spawn(worker.close_idle, web.shut_down)

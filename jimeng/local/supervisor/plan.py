"""The processes to run: command lines and environment."""

import errno
import importlib.util
import os
import socket
import sys
from pathlib import Path

from pymongo import MongoClient
from pymongo.errors import ConfigurationError, OperationFailure, PyMongoError

from jimeng.config import Config, server
from jimeng.errors import ConfigError
from jimeng.local.embedded.server import LOOPBACK, is_open

WEB_GRACE = 5  # seconds for requests in progress when the web server stops
FIND_DATABASE_S = 1.0  # of a configured database; one that is away may come later
# Compared with, not listened on.
EVERYWHERE = {"0.0.0.0", "::"}  # noqa: S104


def check_access(config: Config) -> None:
    """
    Raises:
        ConfigError: the server is reachable from other machines without being
            configured to.
    """
    if config.AUTH == "on" or config.is_loopback or config.ALLOW_OPEN_ACCESS:
        return
    raise ConfigError(
        f"whoever reaches SERVER_HOST={config.SERVER_HOST} could use it: set AUTH=on "
        "to have people sign in, ALLOW_OPEN_ACCESS=1 if that is meant, or "
        "SERVER_HOST=localhost"
    )


def check_provider(config: Config) -> None:
    """
    Raises:
        ConfigError: there are neither keys nor the simulator, which is in a checkout
            and in no package for production.
    """
    if not config.has_credentials and importlib.util.find_spec("simulator") is None:
        raise ConfigError(
            "VOLCENGINE_ACCESS_KEY and VOLCENGINE_SECRET_KEY (or ARK_API_KEY) are "
            "missing, and the simulator, which draws without keys, is not part of this "
            "package"
        )


def check_port(config: Config) -> None:
    """
    Raises:
        ConfigError: the web server cannot listen on the configured address.
    """
    host, port = config.bare_host, config.SERVER_PORT
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise ConfigError(
                f"it cannot listen on SERVER_HOST={host} SERVER_PORT={port}: "
                f"{error.strerror}"
            ) from error
        raise port_taken_error(port) from error
    local = config.is_loopback or host in EVERYWHERE
    if local and any(is_open(port, each) for each in (LOOPBACK, "::1")):
        # Another program listens on the address that a browser may try first, or on
        # one that the system allows to be shared.
        raise port_taken_error(port)


def check_databases(config: Config) -> None:
    """
    Check the configured databases, as far as they answer.

    Raises:
        ConfigError: MongoDB is too old, or one of them refuses the password; waiting
            would not help.
    """
    mongo: MongoClient
    wait_ms = int(1000 * FIND_DATABASE_S)
    if config.MONGODB_URI:
        try:
            with MongoClient(
                config.mongodb_uri, serverSelectionTimeoutMS=wait_ms, timeoutMS=wait_ms
            ) as mongo:
                mongo[config.MONGODB_DATABASE]["workers"].find_one({}, {"_id": 1})
        except ConfigurationError as error:
            raise ConfigError(
                f"the MongoDB of MONGODB_URI cannot be used: {error} Upgrade it, or "
                "leave MONGODB_URI out to use the MongoDB that comes with jimeng"
            ) from error
        except OperationFailure as error:
            raise ConfigError(
                "the MongoDB of MONGODB_URI refuses its user or password, code "
                f"{error.code}; correct them in mongodb://USER:PASSWORD@HOST"
            ) from error
        except PyMongoError:
            pass  # away: the children wait for it
    if config.REDIS_URL or config.REDIS_ADDR:
        # Here: it takes long to load, and is of no use without one.
        from redis import Redis
        from redis.exceptions import AuthenticationError, RedisError, ResponseError

        timeouts = {"socket_connect_timeout": FIND_DATABASE_S}
        try:
            with Redis.from_url(
                config.redis_url, socket_timeout=FIND_DATABASE_S, **timeouts
            ) as redis:
                redis.ping()
        except (AuthenticationError, ResponseError) as error:
            raise ConfigError(
                "Redis refuses the password, or asks for one: set it in "
                "REDIS_URL=redis://:PASSWORD@HOST:6379/0, or as REDIS_PASSWORD beside "
                "REDIS_ADDR"
            ) from error
        except RedisError:
            pass  # likewise


def port_taken_error(port: int) -> ConfigError:
    other = port + 10 if port < 65_000 else port - 10
    return ConfigError(
        f"port {port} is taken by another program; choose another, for instance "
        f"SERVER_PORT={other}"
    )


def url(config: Config) -> str:
    """The URL of the pages for a browser on this machine."""
    if config.bare_host in EVERYWHERE:
        return f"http://localhost:{config.SERVER_PORT}"
    return f"http://{config.address}"


def web_command() -> list[str]:
    quiet = ("--log-level", "warning")  # the supervisor reports readiness
    grace = ("--graceful-timeout", str(WEB_GRACE))
    return [sys.executable, *server.WEB, *quiet, *grace]


def worker_command() -> list[str]:
    return [sys.executable, *server.WORKER]


def admin_command() -> list[str]:
    """The command that creates the first admin from ``ADMIN_EMAIL``; idempotent."""
    return [sys.executable, "-m", "flask", "--app", "wsgi", "users", "create-admin"]


def simulator_command(config: Config, port: int, state: Path) -> list[str]:
    return [
        *(sys.executable, "-m", "simulator", "--port", str(port)),
        *("--state", str(state), "--sigma", "0.2"),
        *("--limit", str(config.VOLCENGINE_CONCURRENCY)),
    ]


def environment(
    config: Config, mongodb_uri: str, redis_url: str, secret_key: str
) -> dict[str, str]:
    """
    The environment of all children; it takes precedence over ``.env``.

    Args:
        secret_key: The key that signs sessions, if none is configured.
    """
    access = {"AUTH": "off", "ALLOW_OPEN_ACCESS": "1"}
    if config.AUTH == "on":
        access = {"AUTH": "on", "SECRET_KEY": config.SECRET_KEY or secret_key}
    return {
        **os.environ,
        "MONGODB_URI": mongodb_uri,
        "REDIS_URL": redis_url,
        "SERVER_HOST": config.SERVER_HOST,
        "SERVER_PORT": str(config.SERVER_PORT),
        **access,
    }


def demo_environment(config: Config, port: int, keys: dict[str, str]) -> dict[str, str]:
    """The settings that direct the client to the demo provider on *port*."""
    host = f"127.0.0.1:{port}"
    return {
        "JIMENG_DEMO": "1",
        "LOG_LEVEL": config.LOG_LEVEL,  # the simulator does not read `.env`
        "LOG_FORMAT": config.LOG_FORMAT,
        "VOLCENGINE_ENDPOINT": f"http://{host}",
        "VOLCENGINE_ACCESS_KEY": keys["access"],
        "VOLCENGINE_SECRET_KEY": keys["secret"],
        "ARK_BASE_URL": f"http://{host}/api/v3",
        "ARK_API_KEY": keys["ark"],
        "ALLOWED_PRIVATE_HOSTS": ",".join((*config.ALLOWED_PRIVATE_HOSTS, host)),
    }

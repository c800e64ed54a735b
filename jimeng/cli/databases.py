"""Database connections of commands, and the principal that they act as."""

import getpass
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields, replace
from pathlib import Path

import click
from flask import current_app
from pymongo.errors import ConnectionFailure, OperationFailure, PyMongoError
from redis.exceptions import RedisError

from jimeng import documents, jobs
from jimeng.cli import language
from jimeng.cli.checks import why_away
from jimeng.config import Config
from jimeng.documents import migrations
from jimeng.documents.principal import Principal
from jimeng.errors import Invalid, JimengError
from jimeng.local.embedded import Mongo, Redis
from jimeng.local.embedded.server import is_open, stored_port
from jimeng.local.supervisor import datadir, plan


def account_here() -> str:
    """The command's user, as ``user@host``; the user id if it has no name."""
    try:
        user = getpass.getuser()
    except KeyError:
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"


ANSWER_TIMEOUT_S = 5.0
OPERATOR = Principal("operator", is_operator=True, address=account_here())
NOTHING_RUNS = (
    "jimeng does not run here: start it with `make run`, or set MONGODB_URI and "
    "REDIS_URL to the databases that it uses"
)


class Silent(click.ClickException):
    """`make run` is running, but one of its databases does not answer."""

    def __init__(self, server: Mongo | Redis) -> None:
        self.kind = "redis" if isinstance(server, Redis) else "mongodb"
        self.found = f"that of `make run` does not answer; its log is {server.log}"
        super().__init__(f"{self.kind}: {self.found}")


@contextmanager
def databases(*, timeout_s: float | None = None) -> Iterator[None]:
    """
    Connect to the databases of the settings, else to those of a running `make run`.

    Args:
        timeout_s: For each operation of MongoDB, where it may be unavailable. By
            default it must answer within `ANSWER_TIMEOUT_S`, and operations have the
            timeout of a worker.

    Raises:
        ClickException: with a one-line reason why they cannot be used.
    """
    config = found_databases(current_app.config["JIMENG"])
    documents.connect(config, timeout=timeout_s or documents.WORKER_TIMEOUT)
    jobs.configure(config)
    try:
        if timeout_s is None:
            documents.await_answer(ANSWER_TIMEOUT_S)
            migrations.check()
        yield
    except JimengError as error:
        raise click.ClickException(f"{error.code}: {error}") from error
    except (ConnectionFailure, OperationFailure) as error:
        advice = why_away(error)
        # The driver's message is long and no advice, except for a refused operation.
        said = error if advice == "ready.mongodb_refuses" else language.message(advice)
        raise click.ClickException(f"{said} ({type(error).__name__})") from error
    except (PyMongoError, RedisError) as error:
        raise click.ClickException(f"{type(error).__name__}: {error}") from error
    finally:
        jobs.huey.storage.pool.disconnect()


@contextmanager
def connected() -> Iterator[None]:
    """`databases`, with errors turned into messages of the language of the terminal."""
    with databases():
        try:
            yield
        except Invalid as error:
            (reasons, *_) = error.fields.values()
            key, values = reasons[0]
            raise click.ClickException(language.message(key, **values)) from error
        except JimengError as error:
            message = language.message(f"error.{error.code}", **error.values)
            raise click.ClickException(message) from error


def found_databases(config: Config) -> Config:
    """Complete *config* with the addresses of a running `make run`."""
    data_dir = data_dir_of(config)
    changes: dict = {}
    if not config.MONGODB_URI:
        mongo = Mongo(data_dir / "mongodb")
        require(mongo, data_dir)
        changes["MONGODB_URI"] = mongo.uri
    if not (config.REDIS_URL or config.REDIS_ADDR):
        redis = Redis(data_dir / "redis")
        require(redis, data_dir)
        changes["REDIS_URL"] = redis.url
    config = with_demo(config)
    if changes and not config.has_credentials:
        # The demo provider does not run, but lanes exist only for configured keys.
        names = ("VOLCENGINE_ACCESS_KEY", "VOLCENGINE_SECRET_KEY", "ARK_API_KEY")
        changes |= dict.fromkeys(names, "demo")
    return replace(config, **changes)


def with_demo(config: Config) -> Config:
    """*config* itself, or without keys, with the running demo provider."""
    data_dir = data_dir_of(config)
    port = stored_port(data_dir / "simulator.port")
    if config.has_credentials or not (port and is_open(port)):
        return config
    keys = datadir.demo_keys(data_dir / "simulator.keys")
    demo = plan.demo_environment(config, port, keys)
    names = {each.name for each in fields(config)} - {"ALLOWED_PRIVATE_HOSTS"}
    changes: dict = {name: demo[name] for name in names & set(demo)}
    return replace(config, **changes)


def data_dir_of(config: Config) -> Path:
    return Path(current_app.root_path) / config.DATA_DIR


def require(server: Mongo | Redis, data_dir: Path) -> None:
    """
    Find the port of a server that another process has started.

    Raises:
        ClickException: none runs on its directory; `Silent` if one should.
    """
    server.port = stored_port(server.port_file)
    if server.port and is_open(server.port) and server.answers():
        return
    if datadir.is_used(data_dir):
        raise Silent(server)
    raise click.ClickException(NOTHING_RUNS)

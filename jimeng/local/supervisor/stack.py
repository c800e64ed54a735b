"""All services, in start order."""

import os
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from jimeng.config import Config
from jimeng.errors import ConfigError
from jimeng.local.embedded import Child, Mongo, Redis, store_port, stored_secret
from jimeng.local.supervisor import plan
from jimeng.local.supervisor.datadir import demo_keys, keep_address
from jimeng.local.supervisor.service import Service

DATABASE_STOP_TIMEOUT_S = 15.0  # seconds between SIGTERM and SIGKILL
SIMULATOR_STOP_TIMEOUT_S = 5.0
ADMIN_TIMEOUT_S = 30.0


class Stack:
    """
    The services of one run.

    Args:
        data_dir: The directory of databases, ports, and the demo provider's state.
        lock: The descriptor that the parent watches hold; see `datadir.locked`.
    """

    def __init__(self, config: Config, data_dir: Path, lock: int) -> None:
        self.config = config
        self.services: list[Service] = []
        self._data_dir = data_dir
        self._inherited_fds = (lock,)
        self._mongodb_uri = config.mongodb_uri
        self._redis_url = config.redis_url
        self._simulator_port = 0  # until it is started

    @property
    def is_demo(self) -> bool:
        return not self.config.has_credentials

    def start_databases(self, hurry: Callable[[], bool]) -> None:
        """
        Start the databases that are not configured, and wait until they are ready.

        Raises:
            ConfigError: one of them could not be started.
        """
        if self.is_demo:  # it needs no database, and loads meanwhile
            self._demo_environment()
            self.check()
        mongo = Mongo(self._data_dir / "mongodb", inherited_fds=self._inherited_fds)
        redis = Redis(self._data_dir / "redis", inherited_fds=self._inherited_fds)
        wanted: list[Mongo | Redis] = []
        if not self.config.MONGODB_URI:
            wanted.append(mongo)
        if not (self.config.REDIS_URL or self.config.REDIS_ADDR):
            wanted.append(redis)
        try:
            start_together(wanted, hurry)
        finally:
            for each in wanted:
                if each.child:
                    service = Service(
                        each.name, each.spawn, stop_timeout_s=DATABASE_STOP_TIMEOUT_S
                    )
                    service.child = each.child
                    self._keep(service)
        if mongo in wanted:
            self._mongodb_uri = mongo.uri
        if redis in wanted:
            self._redis_url = redis.url

    def start_processes(self) -> None:
        """Start the demo provider if enabled, the consumer, and the web server."""
        env = self._environment()
        grace = self.config.SHUTDOWN_GRACE + 3
        worker = partial(self._spawn, plan.worker_command(), env)
        self.consumer = self._keep(Service("consumer", worker, stop_timeout_s=grace))
        web = partial(self._spawn, plan.web_command(), env)
        self.web = self._keep(Service("web", web, stop_timeout_s=plan.WEB_GRACE + 3))
        self.check()

    def keep_address(self) -> None:
        keep_address(self._data_dir, plan.url(self.config))

    def make_admin(self) -> None:
        """Create the first admin of the settings, as a release does in production."""
        if self.config.AUTH != "on" or not self.config.ADMIN_EMAIL:
            return
        child = self._spawn(plan.admin_command(), self._environment())
        deadline = time.monotonic() + ADMIN_TIMEOUT_S
        while child.status() is None:
            if time.monotonic() > deadline:
                child.kill()
            time.sleep(0.02)

    def apply_settings(self, config: Config) -> None:
        """
        Apply changed settings: restart the consumer and the web server.

        Raises:
            ConfigError: a changed setting requires a restart of everything.
        """
        for name in ("DATA_DIR", "MONGODB_URI", "REDIS_URL", "REDIS_ADDR"):
            if getattr(config, name) != getattr(self.config, name):
                raise ConfigError(f"{name} has changed; stop jimeng and start it again")
        if config.address != self.config.address:
            plan.check_port(config)
        self.config = config
        env = self._environment()
        worker = plan.worker_command()
        self.consumer.replace(partial(self._spawn, worker, env))
        self.web.replace(partial(self._spawn, plan.web_command(), env))

    def _environment(self) -> dict[str, str]:
        """The environment of consumer and web server; starts the demo provider."""
        config = self.config
        secret = stored_secret(self._data_dir / "secret.key")
        env = plan.environment(config, self._mongodb_uri, self._redis_url, secret)
        if not config.MONGODB_URI:
            # A copy of the directory has another inode, and must not submit what the
            # original has submitted.
            inode = (self._data_dir / "mongodb").stat().st_ino
            env["JIMENG_DATA_PLACE"] = str(inode)
        if not self.is_demo:
            return env
        env |= self._demo_environment()
        # The demo provider fetches input pictures by signed links.
        env.setdefault("SECRET_KEY", config.SECRET_KEY or secret)
        return env

    def _demo_environment(self) -> dict[str, str]:
        """The settings of the demo provider, which is started if it does not run."""
        starting = not self._simulator_port
        if starting:
            self._simulator_port = store_port(self._data_dir / "simulator.port")
        keys = demo_keys(self._data_dir / "simulator.keys")
        env = plan.demo_environment(self.config, self._simulator_port, keys)
        if starting:
            state = self._data_dir / "simulator.db"
            command = plan.simulator_command(self.config, self._simulator_port, state)
            spawn = partial(self._spawn, command, {**os.environ, **env})
            self._keep(
                Service("simulator", spawn, stop_timeout_s=SIMULATOR_STOP_TIMEOUT_S)
            )
        return env

    def _spawn(self, command: list[str], env: dict[str, str]) -> Child:
        return Child(command, env=env, inherited_fds=self._inherited_fds)

    def check(self) -> None:
        """Restart exited services whose back-off is over."""
        for service in self.services:
            service.check()

    def stop(self, hurry: Callable[[], bool]) -> None:
        """
        Stop in reverse order, so that each service keeps what it needs to shut down.
        """
        for service in reversed(self.services):
            service.stop(hurry)

    def _keep(self, service: Service) -> Service:
        self.services.append(service)
        return service


def start_together(servers: list[Mongo | Redis], hurry: Callable[[], bool]) -> None:
    """Start *servers* concurrently: each takes 0.5 s, most of it waiting."""
    errors: list[ConfigError | OSError] = []

    def start(server: Mongo | Redis) -> None:
        try:
            server.start()
        except (ConfigError, OSError) as error:
            errors.append(error)

    threads = [
        threading.Thread(target=start, args=(each,), daemon=True) for each in servers
    ]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads) and not hurry():
        time.sleep(0.02)
    if errors:
        raise errors[0]

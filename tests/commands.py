"""What is asked of MongoDB, command by command."""

from collections.abc import Iterator
from contextlib import contextmanager

import mongoengine
from pymongo import monitoring

from jimeng import documents
from jimeng.config import Config

# Sent now and then, by the clock: the indexes are looked at. And what a connection
# begins with.
OTHERS = {"listIndexes", "listCollections", "createIndexes", "endSessions"}
OTHERS |= {"hello", "saslStart", "saslContinue"}


class Listener(monitoring.CommandListener):
    """Keeps what is sent while it listens."""

    def __init__(self) -> None:
        self.commands: list[dict] = []
        self.listens = True

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        if self.listens:
            self.commands.append(dict(event.command))

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        pass

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        pass


def own(commands: list[dict]) -> list[dict]:
    """Those among *commands* that whatever is measured has sent."""
    return [each for each in commands if each and each.keys().isdisjoint(OTHERS)]


@contextmanager
def counted(config: Config) -> Iterator[list[dict]]:
    """The commands that this process sends inside, in order. Its connection is replaced
    by one that is listened to; the fixtures restore theirs."""
    listener = Listener()
    registered = monitoring._LISTENERS.command_listeners
    registered.append(listener)
    try:
        documents.connect(config, timeout=documents.WORKER_TIMEOUT)
        mongoengine.get_db().command("ping")
        listener.commands.clear()
        yield listener.commands
    finally:
        listener.listens = False
        registered.remove(listener)

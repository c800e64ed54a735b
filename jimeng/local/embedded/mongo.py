"""An embedded MongoDB: a replica set of one member, since nothing less is durable."""

from pymongo import MongoClient
from pymongo.database import Database
from pymongo.errors import OperationFailure, PyMongoError

from jimeng.local.embedded.binaries import find_mongod
from jimeng.local.embedded.ports import LOOPBACK
from jimeng.local.embedded.server import Server

REPLICA_SET = "jimeng"
NOT_YET_INITIALIZED = 94  # mongod's error_codes.yml
PATIENCE_MS = 5000  # for one command to a starting server


class Mongo(Server):
    """A ``mongod`` that serves *data_dir*; see `Server`."""

    name = "mongod"

    @property
    def uri(self) -> str:
        return f"mongodb://{LOOPBACK}:{self.port}/?directConnection=true"

    def command(self) -> list[str]:
        # By default the oplog may take a twentieth of the disk.
        return [*self._standalone(), "--replSet", REPLICA_SET, "--oplogSize", "128"]

    def _standalone(self) -> list[str]:
        return [
            find_mongod(self.data_dir / "bin"),
            *("--dbpath", str(self.data_dir)),
            *("--port", str(self.port), "--bind_ip", LOOPBACK, "--nounixsocket"),
            *("--logpath", str(self.log), "--logappend", "--quiet"),
            # By default half of the memory.
            *("--wiredTigerCacheSizeGB", "0.25"),
            *("--setParameter", "diagnosticDataCollectionEnabled=false"),
        ]

    def move(self, deadline: float) -> None:
        """
        Write the new port into the replica set's configuration.

        A member that does not find its own address there never becomes primary. A
        forced reconfiguration would mend that too, but not while the member waits
        for an answer from the old port, which is now another program's. So it is
        done as MongoDB's manual changes host names: with the set not running.
        """
        if not (self.data_dir / "WiredTiger").exists():
            return
        self.run(
            [
                *self._standalone(),
                *("--setParameter", "disableLogicalSessionCacheRefresh=true"),
            ]
        )
        self.await_true(self._rewrite_address, deadline)
        self.stop()

    def _rewrite_address(self) -> bool:
        try:
            with self._client() as client:
                if not self._is_ours(client.admin):
                    return False
                client.local["system.replset"].update_many(
                    {}, {"$set": {"members.0.host": self._address}}
                )
                return True
        except PyMongoError:
            return False  # still starting

    def answers(self) -> bool:
        try:
            with self._client() as client:
                return self._is_ours(client.admin) and self._is_primary(client.admin)
        except PyMongoError:
            return False  # still starting

    def _client(self) -> MongoClient:
        return MongoClient(
            self.uri, timeoutMS=PATIENCE_MS, serverSelectionTimeoutMS=1000
        )

    @property
    def _address(self) -> str:
        return f"{LOOPBACK}:{self.port}"

    def _is_ours(self, admin: Database) -> bool:
        """Two processes may have chosen one port: then one of them gets it."""
        storage = admin.command("getCmdLineOpts")["parsed"].get("storage", {})
        return storage.get("dbPath") == str(self.data_dir)

    def _is_primary(self, admin: Database) -> bool:
        """Whether writes are taken; found the replica set if there is none."""
        if admin.command("hello")["isWritablePrimary"]:
            return True
        try:
            admin.command("replSetGetStatus")
        except OperationFailure as error:
            if error.code != NOT_YET_INITIALIZED:
                raise
            members = [{"_id": 0, "host": self._address}]
            admin.command("replSetInitiate", {"_id": REPLICA_SET, "members": members})
        return False

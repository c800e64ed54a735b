"""An embedded MongoDB: a replica set of one member, for durable writes."""

from datetime import UTC, datetime
from pathlib import Path

from pymongo import MongoClient
from pymongo.database import Database
from pymongo.errors import OperationFailure, PyMongoError

from jimeng.errors import ConfigError
from jimeng.local.embedded.binaries import find_mongod
from jimeng.local.embedded.private_files import stored_secret
from jimeng.local.embedded.server import LOOPBACK, Server

REPLICA_SET = "jimeng"
USER = "jimeng"
# mongod's error_codes.yml
USER_NOT_FOUND = 11
AUTHENTICATION_FAILED = 18
NOT_YET_INITIALIZED = 94
CLUSTER_TIME_TOO_FAR = 205
COMMAND_TIMEOUT_MS = 5000  # for one command to a starting server


class Mongo(Server):
    """
    A ``mongod`` that serves *data_dir*; see `Server`.

    Clients authenticate with a random password stored in *data_dir*, as for `Redis`; if
    there is none, it is created at the next start. The database user is created with
    the internal privileges of a replica set member, authenticated by the set's key
    file: this also repairs a lost password, or one that does not match the database.
    """

    name = "mongod"

    @property
    def uri(self) -> str:
        """The connection URI of a user with all privileges except a member's."""
        return self._uri(USER, self.password, "admin")

    @property
    def _member_uri(self) -> str:
        return self._uri("__system", stored_secret(self._key_file), "local")

    def _uri(self, user: str, password: str, source: str) -> str:
        options = f"directConnection=true&authSource={source}"
        return f"mongodb://{user}:{password}@{LOOPBACK}:{self.port}/?{options}"

    @property
    def _key_file(self) -> Path:
        return self.data_dir / "keyfile"

    def command(self) -> list[str]:
        # The default oplog takes up to 5 % of the disk.
        return [*self._standalone(), "--replSet", REPLICA_SET, "--oplogSize", "128"]

    def _standalone(self) -> list[str]:
        stored_secret(self._key_file)
        return [
            find_mongod(self.data_dir / "bin"),
            *("--dbpath", str(self.data_dir)),
            *("--port", str(self.port), "--bind_ip", LOOPBACK, "--nounixsocket"),
            *("--keyFile", str(self._key_file)),
            # By default, any local client may create the first user.
            *("--setParameter", "enableLocalhostAuthBypass=false"),
            *("--logpath", str(self.log), "--logappend", "--quiet"),
            # The default cache takes half of the memory.
            *("--wiredTigerCacheSizeGB", "0.25"),
            *("--setParameter", "diagnosticDataCollectionEnabled=false"),
        ]

    def start(self, timeout: float = 30.0) -> None:
        """
        Start it, as `Server.start` does.

        Raises:
            ConfigError: also if the clock is so far behind the data that ``mongod``
                refuses all commands of the clients that it has told the data's time.
        """
        super().start(timeout)
        if self._is_clock_behind():
            raise ConfigError(
                f"this machine's clock says {datetime.now(UTC):%Y-%m-%d}, more than a "
                f"year before the data in {self.data_dir} were written: set the clock, "
                "such as by NTP"
            )

    def _is_clock_behind(self) -> bool:
        try:
            with self._client(self._member_uri) as client:
                # Each answer to a member tells the time, which the next command has.
                client.admin.command("ping")
                client.admin.command("ping")
        except PyMongoError as error:
            return getattr(error, "code", None) == CLUSTER_TIME_TOO_FAR
        return False

    def move(self, deadline: float) -> None:
        """
        Write the new port into the replica set's configuration.

        A member that does not find its own address in the configuration never becomes
        primary. A forced reconfiguration would also repair that, but not while the
        member waits for a response from the old port, which another program now uses.
        So follow MongoDB's manual for changing host names: while the replica set is
        not running.
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
            with self._client(self._member_uri) as client:
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
            with self._client(self.uri) as client:
                return self._is_ours(client.admin) and self._is_primary(client.admin)
        except OperationFailure as error:
            if error.code == AUTHENTICATION_FAILED:
                self._found()
            return error.code == CLUSTER_TIME_TOO_FAR  # `start` looks for that
        except PyMongoError:
            return False  # still starting

    def _found(self) -> None:
        """Initiate the replica set and create its user, unless they exist."""
        try:
            with self._client(self._member_uri) as client:
                if self._is_ours(client.admin) and self._is_primary(client.admin):
                    self._let_in(client.admin)
        except PyMongoError:
            return  # still starting

    def _let_in(self, admin: Database) -> None:
        """Create the user with the stored password, or update its password."""
        pwd, roles = self.password, ["root"]
        try:
            admin.command("updateUser", USER, pwd=pwd, roles=roles)
        except OperationFailure as error:
            if error.code != USER_NOT_FOUND:
                raise
            admin.command("createUser", USER, pwd=pwd, roles=roles)

    def _client(self, uri: str) -> MongoClient:
        return MongoClient(
            uri, timeoutMS=COMMAND_TIMEOUT_MS, serverSelectionTimeoutMS=1000
        )

    @property
    def _address(self) -> str:
        return f"{LOOPBACK}:{self.port}"

    def _is_ours(self, admin: Database) -> bool:
        """Whether the server is ours: two processes may have chosen the same port."""
        storage = admin.command("getCmdLineOpts")["parsed"].get("storage", {})
        return storage.get("dbPath") == str(self.data_dir)

    def _is_primary(self, admin: Database) -> bool:
        """Whether it accepts writes; initiate the replica set if there is none."""
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

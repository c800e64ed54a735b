"""``flask doctor``: each thing is broken for once, here and outside, and said so."""

import json
import os
import re
import resource
import socket
import threading
import time
from collections import namedtuple
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from socket import getaddrinfo
from urllib.parse import urlsplit

import pytest
from mongoengine import get_db
from pymongo.errors import AutoReconnect
from redis import Redis

from jimeng import documents, jobs, lanes
from jimeng.billing import costs
from jimeng.cli.checks import Finding, Verdict, databases, examine, machine
from jimeng.cli.checks.finding import SECTIONS
from jimeng.cli.doctor import format_finding
from jimeng.documents import ApiKey, User, Worker, migrations, utcnow
from jimeng.documents.migrations import steps
from jimeng.documents.migrations.steps import Step
from jimeng.errors import ConfigError, ProviderError
from jimeng.http import waiters
from jimeng.i18n import MESSAGES
from jimeng.monitoring import readiness
from jimeng.operations import backup
from jimeng.operations.backup import rotation
from jimeng.providers import Registry
from jimeng.providers.models.visual import MODELS
from tests.databases import clock_behind
from tests.rest import command
from tests.waiting import wait_for

ROOT = Path(__file__).parents[2]
VISUAL = "volcengine_jimeng"
KEYS = {"VOLCENGINE_ACCESS_KEY": "key", "VOLCENGINE_SECRET_KEY": "secret"}
Usage = namedtuple("Usage", "total used free")


class Service:
    """A provider whose models are fine, but for those that it refuses."""

    label = ("即梦", "Jimeng")

    def __init__(self, address: str, **refused: ProviderError) -> None:
        self.address = address
        self.refused = refused

    def check(self, req_key: str) -> bool:
        if req_key in self.refused:
            raise self.refused[req_key]
        return True


@contextmanager
def answering(
    status: int = 200, ahead: timedelta = timedelta(0), **headers: str
) -> Iterator[str]:
    """A server whose clock is *ahead*, and its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()

        def do_HEAD(self) -> None:
            self.do_GET()

        def date_time_string(self, timestamp: float | None = None) -> str:
            return format_datetime(datetime.now(UTC) + ahead, usegmt=True)

        def log_message(self, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def connected_again(database, config, registry):
    """Afterwards, whatever else this process was connected to."""
    yield
    documents.connect(config, timeout=documents.WORKER_TIMEOUT)
    jobs.configure(config, registry)


def begin_worker() -> None:
    """One that lives on, however long the look takes."""
    now = utcnow()
    Worker(id="w", started_at=now, seen_at=now + timedelta(hours=1)).save()


@pytest.fixture
def look(app, config, connected_again):
    """All findings, by what was looked at; a worker lives."""
    begin_worker()

    def look(service: Service | None = None, **changes: object) -> dict:
        served = {} if service is None else {VISUAL: service}
        jobs.configure(config, Registry(served, dict.fromkeys(served, 2)))
        keys = KEYS if service else {}
        found = list(examine(replace(config, **keys, **changes)))
        return {each.check: each for each in found}

    return look


def test_nothing_is_wrong(look):
    """Everything was looked at, and each thing says what it saw. What it wrote to see
    whether it can is gone, or always the same."""
    migrations.run()
    rotation.record_backup(utcnow())
    look()
    before = {name: count(name) for name in get_db().list_collection_names()}
    with answering(X_Request_ID="one") as address:
        found = look(Service(address), PUBLIC_URL=address)

    assert {name: count(name) for name in before} == before
    assert count("pictures.files") == count("pictures.chunks") == 0
    wrong = {c: f for c, f in found.items() if f.status is not Verdict.OK}
    # This machine's may be scarce.
    assert set(wrong) <= {"disk of MongoDB", "file descriptors"}, wrong
    assert {
        *("settings", "mongodb", "redis", "schema", "indexes", "storage", "queue"),
        *("file descriptors", f"clock of {VISUAL}", "PUBLIC_URL"),
        *("model jimeng-3.1", "model doubao-seedream-3.0-t2i"),
    } <= set(found)
    assert "replica set" in found["mongodb"].found
    assert "256 KiB" in found["storage"].found


def test_watcher_that_no_longer_polls_is_named(look):
    """By its process; as long as it reports, and has clients that wait."""
    assert look()["waiters"].found == "0"
    for process, ago_s, clients, poll_age_s in [
        ("web-1:7", 1, 12, 0.4),
        ("web-1:8", 2, 3, 21.2),
        ("web-1:9", 60, 5, 99.0),
    ]:
        row = json.dumps([time.time() - ago_s, clients, poll_age_s])
        jobs.huey.storage.conn.hset(waiters.KEY, process, row)

    found = look()["waiters"]

    assert found.status is Verdict.FAILED
    assert found.found == "web-1:8: 3, no poll for 21 s"
    assert found.advice == "doctor.watcher_stuck"
    jobs.huey.storage.conn.hdel(waiters.KEY, "web-1:8")
    found = look()["waiters"]
    assert (found.status, found.found) == (Verdict.OK, "12")


def count(collection: str) -> int:
    return get_db()[collection].count_documents({})


def test_model_without_a_price_is_warned_of_where_there_is_a_budget(look, monkeypatch):
    """Any budget refuses it; without one it is used, and nothing is said."""
    dear = costs.Price("x", 1)
    monkeypatch.setattr(
        costs, "highest_price", lambda model, *_: None if "3.1" in model.id else dear
    )
    service = Service("https://example.com")
    assert "price of jimeng-3.1" not in look(service)
    looks = [look(service, MONTHLY_BUDGET=1), look(service, USER_DAILY_BUDGET=1)]
    User(id="u", name="u", email="u@example.com", daily_budget_micros=0).add()
    looks.append(look(service))
    User.collection().delete_many({})
    row = {"user_id": "u", "name": "k", "prefix": "p", "sha256": "s"}
    ApiKey(id="k", monthly_budget_micros=1, **row).add()
    looks.append(look(service))

    for found in looks:
        warned = found["price of jimeng-3.1"]
        assert warned.status is Verdict.WARNING
        assert warned.advice == "error.price_unknown"
        assert dict(warned.values) == {"model": "jimeng-3.1"}
        assert "price of doubao-seedream-3.0-t2i" not in found


def test_prefixes_that_overlap_are_warned_of(app, config):
    """Those of two owners, with whose the customers are; an owner's own are fine."""
    for name in ("bob", "ada"):
        User(id=name, name=name, email=f"{name}@e.com", email_key=name).add()
    assert look_at_customers(config) == []
    own = [("bob", "shop:"), ("bob", "shop:uk:"), ("ada", "slack:"), ("gone", "s:")]
    for number, (owner, prefix) in enumerate(own):
        add_key(owner, prefix, number)
    assert look_at_customers(config) == [("customers", "ok", "4 keys", "")]
    add_key("ada", "shop:eu:", 4)
    add_key("bob", "slack:", 5)

    found = look_at_customers(config)

    advice = "doctor.prefixes_overlap"
    eu = "of k4 (key_4, ada@e.com), not of k0 (key_0, bob@e.com)"
    slack = "of k2 (key_2, ada@e.com), not of k5 (key_5, bob@e.com)"
    assert found == [
        ("customers of shop:eu:", "warning", eu, advice),
        ("customers of slack:", "warning", slack, advice),
    ]
    ApiKey.collection().delete_one({"_id": "key_4"})
    add_key("gone", "shop:eu:", 6)
    assert "of k6 (key_6, gone), not of" in look_at_customers(config)[0][2]


def look_at_customers(config) -> list[tuple[str, str, str, str]]:
    return [
        (each.check, each.status.value, each.found, each.advice)
        for each in examine(config)
        if each.check.startswith("customers")
    ]


def add_key(owner: str, prefix: str, number: int) -> None:
    ApiKey(
        id=f"key_{number}",
        user_id=owner,
        name=f"k{number}",
        prefix="jm_",
        sha256=f"{number}",
        user_prefix=prefix,
        created_at=utcnow() + timedelta(seconds=number),
    ).add()


def test_what_is_broken_has_failed(look, monkeypatch):
    """An index that lacks, a queue without workers, and a storage that spoils."""
    get_db().tasks.drop_index("idem")
    Worker.collection().delete_many({})
    store = "jimeng.pictures.stores.gridfs.GridFSStore.read"
    monkeypatch.setattr(store, lambda self, file_id: b"another")

    found = look()

    for check, advice in (
        ("indexes", "ready.index_missing"),
        *(("queue", "ready.worker"), ("storage", "doctor.storage")),
    ):
        failed = found[check]
        assert (failed.status, failed.advice) == (Verdict.FAILED, advice)
    assert "tasks.idem" in found["indexes"].found
    assert count("pictures.files") == 0


def test_mongodb_that_ends_meanwhile_has_one_finding(look, monkeypatch):
    """It answered first: what was found before stands, and the rest is looked at."""

    def fail() -> None:
        raise AutoReconnect("mongodb.example:27017: connection closed")

    monkeypatch.setattr(backup, "last_at", fail)

    found = look()

    away = found["mongodb"]
    assert (away.status, away.found) == (Verdict.FAILED, "AutoReconnect")
    assert "storage" in found and "file descriptors" in found
    assert "queue" not in found  # of which nothing is known


@pytest.mark.parametrize(
    "done, status, advice",
    [
        (1, Verdict.WARNING, "doctor.schema"),
        (2, Verdict.OK, ""),
        (9, Verdict.FAILED, "ready.release_too_old"),
    ],
)
def test_schema_that_is_not_this_releases_is_said(
    look, monkeypatch, done, status, advice
):
    """Too little was done, which is mended by itself, or too much, which is not."""
    monkeypatch.setattr(steps, "STEPS", (Step(2, "any", 0, lambda after: None),))
    for each in (steps, migrations):
        monkeypatch.setattr(each, "CODE", 2)
    row = {"_id": "schema", "schema": done, "min_code": done}
    get_db().installations.insert_one(row)

    found = look()["schema"]

    assert (found.status, found.advice) == (status, advice)
    assert found.found == f"{done}, this release has 2"


def test_redis_that_evicts_is_warned_of(look, monkeypatch):
    """Only where there is a limit to its memory."""
    told = jobs.huey.storage.conn.info()  # of one that other tests use, too
    assert (told["maxmemory"], told["maxmemory_policy"]) == (0, "noeviction")
    monkeypatch.setattr(Redis, "info", lambda _: told)
    told["maxmemory_policy"] = "allkeys-lru"
    unlimited = look()["redis"]
    told["maxmemory"] = 500 * 2**20
    limited = look()["redis"]

    assert unlimited.status is Verdict.OK
    assert (limited.status, limited.advice) == (Verdict.WARNING, "doctor.redis_evicts")


def test_slow_databases_are_warned_of_and_old_ones_have_failed(look, monkeypatch):
    monkeypatch.setattr(databases, "SLOW_S", 0.0)
    slow = look()
    for name in ("MONGODB", "REDIS"):
        monkeypatch.setattr(databases, f"OLDEST_{name}", (99,))
    old = look()

    for name in ("mongodb", "redis"):
        assert slow[name].advice == "doctor.slow"
        found = old[name]
        assert (found.status, found.advice) == (Verdict.FAILED, f"doctor.{name}_old")
        assert found.found[0].isdecimal()


def unresolved(name: str, *args: object, **kwargs: object) -> list:
    if name == "mongo.example":
        raise socket.gaierror(socket.EAI_NONAME, "not known")
    return getaddrinfo(name, *args, **kwargs)


@pytest.mark.parametrize(
    "uri, advice",
    [
        ("mongodb://mongo.example/", "doctor.mongodb_dns"),
        ("mongodb://127.0.0.1:9/", "doctor.mongodb_refused"),
        ("mongodb://127.0.0.1:9/?replicaSet=other", "doctor.mongodb_refused"),
        ("{uri}&replicaSet=other", "doctor.mongodb_replica_set"),
        ("mongodb://127.0.0.1:{port}/?replicaSet=other", "doctor.mongodb_replica_set"),
        ("mongodb://jimeng:wrong@127.0.0.1:{port}/", "doctor.mongodb_auth"),
        ("mongodb://127.0.0.1:{port}/", "doctor.mongodb_auth"),
    ],
)
def test_mongodb_that_cannot_be_used_is_told_apart(
    look, config, monkeypatch, uri, advice
):
    """The name, the port, the set and the password are each mended elsewhere."""
    monkeypatch.setattr(socket, "getaddrinfo", unresolved)
    monkeypatch.setattr(databases, "FIRST_TIMEOUT_S", 0.2)
    port = urlsplit(config.MONGODB_URI).port
    away = replace(config, MONGODB_URI=uri.format(uri=config.MONGODB_URI, port=port))
    documents.connect(away, timeout=databases.TIMEOUT_S)
    looks: list[dict] = []

    def is_told() -> bool:
        looks.append(look())
        return looks[-1]["mongodb"].advice == advice

    wait_for(is_told)  # the driver may not have tried yet
    found = looks[-1]

    assert "wrong" not in str(looks)
    # One finding says so, and not each that rests upon it.
    failed = {c for c, f in found.items() if f.status is Verdict.FAILED}
    assert failed == {"mongodb"}
    assert "redis" in found and not {"queue", "storage"} & set(found)


def test_directory_that_is_not_there_has_one_finding(look, tmp_path):
    """That of the storage, and none of the room in what stands above it."""
    found = look(STORAGE="file", STORAGE_DIR=str(tmp_path / "gone"))

    assert "disk of STORAGE_DIR" not in found


@pytest.mark.parametrize(
    "by, advice",
    [("root", ""), (lanes.BY_DISK, "_by_disk"), (lanes.BY_RESTORE, "_by_restore")],
)
def test_pause_is_warned_of(look, by, advice):
    """Somebody may have forgotten it; what ends by itself is not to be resumed."""
    lanes.pause(lanes.SENDING, by)

    found = look()["queue"]

    assert (found.status, found.found) == (Verdict.WARNING, "sending is paused")
    assert found.advice == f"doctor.paused{advice}"


def test_full_disk_is_told_where_no_database_runs(run, tmp_path, monkeypatch):
    """It is why they do not, often enough."""
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda path: Usage(9e9, 9e9, 0))
    (tmp_path / "data").mkdir()
    nowhere = {"MONGODB_URI": "", "REDIS_URL": "", "DATA_DIR": str(tmp_path / "data")}

    done = run(**nowhere)

    assert done.exit_code == 1
    assert "start them with `make run`" in done.output
    assert "databases" in done.output and "disk of DATA_DIR" in done.output
    assert "0.0 of 8.4 GiB free" in done.output


@pytest.fixture
def run(app, config, registry):
    def run(*words: str, language: str = "en_GB.UTF-8", **how: str):
        env = {"LANG": language, "LC_ALL": ""}
        return command(config, registry, [*words] or ["doctor"], env=env, **how)

    return run


def test_command_fails_where_something_has(run):
    """No worker lives: a line of facts, one of advice, and the exit status. With one
    there are warnings alone, and it succeeds."""
    ended = run()
    assert ended.exit_code == 1, ended.output
    lines = ended.output.splitlines()
    said = next(i for i, line in enumerate(lines) if line.startswith("FAILED   queue"))
    assert "No worker is running: start one" in lines[said + 1]
    begin_worker()

    ended = run("doctor", "--json", language="zh_CN.UTF-8")

    told = json.loads(ended.output)
    assert (ended.exit_code, told["ok"]) == (0, True), ended.output
    (models,) = [row for row in told["findings"] if row["check"] == "models"]
    assert models["status"] == "warning"
    assert "VOLCENGINE_ACCESS_KEY" in models["advice"]
    names = {"check", "status", "found", "advice", "section"}
    assert all(set(row) == names for row in told["findings"])


def test_database_of_make_run_that_is_away_is_named(run, tmp_path):
    """Who runs `make run` is not told to start it, but what to look at."""
    (tmp_path / "lock").write_text(f"{os.getpid()}\n")

    ended = run(MONGODB_URI="", DATA_DIR=str(tmp_path))

    assert ended.exit_code == 1
    said = ended.output.splitlines()[0]
    assert said.startswith("FAILED   mongodb") and "mongod.log" in said
    assert "start them" not in ended.output


def test_clock_behind_the_data_of_make_run_is_named(run, tmp_path):
    """Whatever command it is: MongoDB runs, and is not what has to be looked at."""
    advice = MESSAGES["ready.mongodb_clock"][1]
    with clock_behind(tmp_path / "mongodb") as server:
        with pytest.raises(ConfigError):
            server.start()
        here = {"MONGODB_URI": "", "DATA_DIR": str(tmp_path)}
        wait_for(lambda: advice in run("queue", "status", **here).output)

        ended = run(**here)

    assert ended.exit_code == 1
    lines = ended.output.splitlines()
    said = next(i for i, line in enumerate(lines) if line.startswith("FAILED"))
    assert lines[said].startswith("FAILED   mongodb")
    section = "(docs/operations.en.md#mongodb_clock)"
    assert lines[said + 1].endswith(f"→ {advice} {section}")
    assert ended.output.count("FAILED") == 1


def test_other_commands_say_it_as_well(config, run):
    """In a sentence, and without what the driver makes of it."""
    port = urlsplit(config.MONGODB_URI).port

    done = run(
        "queue", "status", MONGODB_URI=f"mongodb://jimeng:wrong@127.0.0.1:{port}/"
    )

    assert done.exit_code == 1
    assert MESSAGES["doctor.mongodb_auth"][1] in done.output
    assert "errmsg" not in done.output and "wrong" not in done.output


@pytest.mark.parametrize("page", ["operations.md", "operations.en.md"])
def test_runbook_has_a_section_for_each_reason_and_alert(page):
    """Whoever reads a code finds it by its name, and no section is of no use: those of
    the other alerts follow, then the doctor's own."""
    text = (ROOT / "docs" / page).read_text("utf-8")
    rules = (ROOT / "docs/monitoring/alerts.yml").read_text("utf-8")
    runbooks = re.findall(r"runbook: (\S+)#([a-z_]+)?", rules)
    alerts = dict.fromkeys(section for _, section in runbooks if section)
    sections = dict.fromkeys([*readiness.CODES, *alerts, *SECTIONS.values()])

    assert re.findall(r"(?m)^## ([a-z_]+)$", text) == list(sections)
    assert {path for path, _ in runbooks} == {"docs/operations.en.md"}


@pytest.mark.parametrize(
    "advice, section",
    [
        ("ready.worker", "worker"),
        ("error.access_denied", "provider_refuses"),
        ("doctor.provider_silent", "provider_refuses"),
        ("ready.disk", "disk"),
        ("doctor.disk_of_mongodb", "disk"),
        ("error.price_unknown", "price_unknown"),
        ("doctor.webhooks_fail", "webhooks_fail"),
        ("doctor.budget_spent", "budget_spent"),
        ("doctor.limit_lowered", "limit_lowered"),
        ("doctor.clock", "clock"),
        ("error.clock_wrong", "clock"),
        ("doctor.public_url", ""),
    ],
)
def test_incident_leads_to_its_section(advice, section):
    """The line says where to read on; what needs no more has no section."""
    values = (("model", "jimeng-2.1"), ("lane", "provider:key"))
    found = Finding("it", Verdict.FAILED, "facts", advice, values)

    said = format_finding(found)

    assert found.section == section
    assert said.endswith(f" (docs/operations.en.md#{section})") == bool(section)
    assert advice in MESSAGES


@pytest.mark.parametrize(
    "free, status",
    [(50, Verdict.OK), (9, Verdict.WARNING), (0.2, Verdict.FAILED)],
)
def test_scarce_disks_are_told(monkeypatch, config, app, tmp_path, free, status):
    """That of the pictures, too: intake pauses for it."""
    gib = 2**30
    usage = Usage(100 * gib, (100 - free) * gib, free * gib)
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda path: usage)
    here = {"STORAGE": "file", "STORAGE_DIR": str(tmp_path), "DATA_DIR": str(tmp_path)}

    *_, own = machine.own_disk(replace(config, **here))
    (of_pictures,) = machine.pictures_disk(replace(config, **here))

    for found, name in ((own, "DATA_DIR"), (of_pictures, "STORAGE_DIR")):
        assert (found.check, found.status) == (f"disk of {name}", status)
        assert found.found == f"{free:.1f} of 100.0 GiB free"
    assert list(machine.pictures_disk(config)) == []


def test_few_file_descriptors_are_warned_of(config, monkeypatch):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 1024), hard))
    try:
        (found,) = machine.file_descriptors(config)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    assert (found.status, found.found) == (Verdict.WARNING, "1024")
    monkeypatch.setattr(machine, "MIN_DESCRIPTORS", 1)
    (found,) = machine.file_descriptors(config)
    assert found.status is Verdict.OK


REQ_KEYS = [each.req_key for each in MODELS]


def test_refused_model_has_failed(look):
    """With the provider's own code, for its support."""
    error = ProviderError("no", code="access_denied", provider_code="50400")

    with answering() as address:
        found = look(Service(address, jimeng_t2i_v31=error))

    refused = found["model jimeng-3.1"]
    assert (refused.status, refused.advice) == (Verdict.FAILED, "error.access_denied")
    assert "50400" in refused.found
    assert found["model jimeng-4.6"].status is Verdict.OK


@pytest.mark.parametrize(
    "code, advice",
    [
        ("provider_unreachable", "doctor.provider_away"),
        ("submit_unknown", "doctor.provider_fails"),
        ("provider_internal", "doctor.provider_fails"),
        ("credentials_invalid", "error.credentials_invalid"),
    ],
)
def test_nine_equal_failures_are_one(look, code, advice):
    """In words for an operator: a check of it charges nothing, twice neither."""
    error = ProviderError("no", code=code, provider_code="1")
    models = {each: error for each in REQ_KEYS}

    with answering() as address:
        found = look(Service(address, **models))

    (failed,) = [each for each in found.values() if each.status is Verdict.FAILED]
    assert failed.check == f"models of {VISUAL}"
    assert failed.found == f"{len(models)} models: {code} [1 -]"
    assert failed.advice == advice
    assert "charged" not in "".join(MESSAGES["doctor.provider_fails"])


@pytest.mark.parametrize(
    "minutes, status",
    [(-0.1, Verdict.OK), (-3, Verdict.WARNING), (10, Verdict.FAILED)],
)
def test_wrong_clock_is_told(look, minutes, status):
    began = time.monotonic()
    with answering(ahead=timedelta(minutes=minutes)) as address:
        found = look(Service(address))[f"clock of {VISUAL}"]

    assert found.status is status
    passed = time.monotonic() - began
    off = float(found.found.removesuffix(" s")) + 60 * minutes
    assert abs(off) < 2 + passed


def test_provider_that_is_away_tells_no_time(look):
    """That is no fault of the clock."""
    found = look(Service("http://127.0.0.1:9"))[f"clock of {VISUAL}"]

    assert found.status is Verdict.SKIPPED


@pytest.mark.parametrize(
    "status, headers",
    [(200, {}), (404, {"X_Request_ID": "one"}), (301, {"X_Request_ID": "one"})],
)
def test_address_that_leads_elsewhere_has_failed(look, status, headers):
    """A page of the proxy is none of ours."""
    with answering(status, **headers) as address:
        found = look(PUBLIC_URL=address)["PUBLIC_URL"]

    assert (found.status, found.advice) == (Verdict.FAILED, "doctor.public_url")
    assert str(status) in found.found

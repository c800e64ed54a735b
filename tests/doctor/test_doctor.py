"""``flask doctor``: each thing is broken for once, here and outside, and said so."""

import json
import os
import re
import resource
import socket
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from socket import getaddrinfo
from urllib.parse import urlsplit

import pytest
from mongoengine import get_db
from pymongo.errors import AutoReconnect
from redis import Redis

from app import create_app
from jimeng import documents, jobs, lanes
from jimeng.cli.checks import Verdict, databases, machine
from jimeng.documents import ApiKey, User, Worker, migrations, utcnow
from jimeng.documents.migrations import steps
from jimeng.documents.migrations.steps import Step
from jimeng.errors import ProviderError
from jimeng.i18n import MESSAGES
from jimeng.jobs import costs
from jimeng.monitoring import readiness
from jimeng.operations import backup
from jimeng.operations.backup import rotation
from jimeng.providers.models.visual import MODELS
from tests.doctor.conftest import VISUAL, Service, Usage, answering, begin_worker
from tests.waiting import wait_for

ROOT = Path(__file__).parents[2]


def test_nothing_is_wrong(look):
    """Everything was looked at, and each thing says what it saw."""
    migrations.run()
    rotation.record_backup(utcnow())
    with answering(X_Request_ID="one") as address:
        found = look(Service(address), PUBLIC_URL=address)

    wrong = {c: f for c, f in found.items() if f.status is not Verdict.OK}
    assert set(wrong) <= {"disk of MongoDB"}, wrong  # this machine's may be scarce
    assert {
        *("settings", "mongodb", "redis", "schema", "indexes", "storage", "queue"),
        *("file descriptors", f"clock of {VISUAL}", "PUBLIC_URL"),
        *("model jimeng-3.1", "model doubao-seedream-3.0-t2i"),
    } <= set(found)
    assert "replica set" in found["mongodb"].found
    assert "256 KiB" in found["storage"].found


def test_it_leaves_nothing_behind(look):
    """What it wrote to see whether it can is gone, or always the same."""
    look()
    before = {name: count(name) for name in get_db().list_collection_names()}

    look()

    assert {name: count(name) for name in before} == before
    assert count("pictures.files") == count("pictures.chunks") == 0


def count(collection: str) -> int:
    return get_db()[collection].count_documents({})


@pytest.mark.parametrize("whose", ["installation", "default", "user", "key"])
def test_model_without_a_price_is_warned_of_where_there_is_a_budget(
    look, monkeypatch, whose
):
    """Any budget refuses it; without one it is used, and nothing is said."""
    dear = costs.Price("x", 1)
    monkeypatch.setattr(
        costs, "highest_price", lambda model, *_: None if "3.1" in model.id else dear
    )
    service = Service("https://example.com")
    assert "price of jimeng-3.1" not in look(service)

    settings = {"installation": "MONTHLY_BUDGET", "default": "USER_DAILY_BUDGET"}
    changes = {settings[whose]: 10**9} if whose in settings else {}
    if whose == "user":
        User(id="u", name="u", email="u@example.com", daily_budget_micros=0).add()
    elif whose == "key":
        row = {"user_id": "u", "name": "k", "prefix": "p", "sha256": "s"}
        ApiKey(id="k", monthly_budget_micros=1, **row).add()
    found = look(service, **changes)

    warned = found["price of jimeng-3.1"]
    assert (warned.status, warned.advice) == (Verdict.WARNING, "error.price_unknown")
    assert dict(warned.values) == {"model": "jimeng-3.1"}
    assert "price of doubao-seedream-3.0-t2i" not in found


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
    monkeypatch.setattr(databases, "FIRST_TIMEOUT_S", 1.0)
    port = urlsplit(config.MONGODB_URI).port
    away = replace(config, MONGODB_URI=uri.format(uri=config.MONGODB_URI, port=port))
    documents.connect(away, timeout=databases.TIMEOUT_S)
    # The driver may not have tried yet.
    wait_for(lambda: look()["mongodb"].advice == advice)
    found = look()

    assert "wrong" not in str(found)
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


def test_full_disk_is_told_where_no_database_runs(app, tmp_path, monkeypatch):
    """It is why they do not, often enough."""
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda path: Usage(9e9, 9e9, 0))
    (tmp_path / "data").mkdir()
    nowhere = {"MONGODB_URI": "", "REDIS_URL": "", "DATA_DIR": str(tmp_path / "data")}
    other = create_app(replace(app.config["JIMENG"], **nowhere))

    done = other.test_cli_runner().invoke(args=["doctor"])

    assert done.exit_code == 1
    assert "databases" in done.output and "disk of DATA_DIR" in done.output
    assert "0.0 of 8.4 GiB free" in done.output


@pytest.fixture
def run(app, config, connected_again):
    def run(*words: str, language: str = "en_GB.UTF-8", **changes: str):
        other = create_app(replace(config, **changes))
        env = {"LANG": language, "LC_ALL": ""}
        return other.test_cli_runner().invoke(args=words or ["doctor"], env=env)

    return run


def test_command_fails_where_something_has(run):
    """No worker lives: a line of facts, one of advice, and the exit status."""
    ended = run()

    assert ended.exit_code == 1, ended.output
    lines = ended.output.splitlines()
    said = next(i for i, line in enumerate(lines) if line.startswith("FAILED   queue"))
    assert "No worker is running: start one" in lines[said + 1]


def test_command_succeeds_with_warnings(run):
    begin_worker()

    ended = run("doctor", "--json", language="zh_CN.UTF-8")

    told = json.loads(ended.output)
    assert (ended.exit_code, told["ok"]) == (0, True), ended.output
    (models,) = [row for row in told["findings"] if row["check"] == "models"]
    assert models["status"] == "warning"
    assert "VOLCENGINE_ACCESS_KEY" in models["advice"]
    names = {"check", "status", "found", "advice"}
    assert all(set(row) == names for row in told["findings"])


def test_nothing_that_runs_is_said(run, tmp_path):
    ended = run(MONGODB_URI="", DATA_DIR=str(tmp_path))

    assert ended.exit_code == 1
    assert "start them with `make run`" in ended.output


def test_database_of_make_run_that_is_away_is_named(run, tmp_path):
    """Who runs `make run` is not told to start it, but what to look at."""
    (tmp_path / "lock").write_text(f"{os.getpid()}\n")

    ended = run(MONGODB_URI="", DATA_DIR=str(tmp_path))

    assert ended.exit_code == 1
    said = ended.output.splitlines()[0]
    assert said.startswith("FAILED   mongodb") and "mongod.log" in said
    assert "start them" not in ended.output


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
    """
    Whoever reads a code finds it by its name, and no section is of no use: those of
    the other alerts follow.
    """
    text = (ROOT / "docs" / page).read_text("utf-8")
    rules = (ROOT / "docs/monitoring/alerts.yml").read_text("utf-8")
    runbooks = re.findall(r"runbook: (\S+)#([a-z_]+)?", rules)
    alerts = dict.fromkeys(section for _, section in runbooks if section)
    others = [each for each in alerts if each not in readiness.CODES]

    assert re.findall(r"(?m)^## ([a-z_]+)$", text) == [*readiness.CODES, *others]
    assert {path for path, _ in runbooks} == {"docs/operations.en.md"}


@pytest.mark.parametrize(
    "free, status",
    [(50, Verdict.OK), (9, Verdict.WARNING), (0.2, Verdict.FAILED)],
)
def test_scarce_disks_are_told(monkeypatch, config, app, tmp_path, free, status):
    gib = 2**30
    usage = Usage(100 * gib, (100 - free) * gib, free * gib)
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda path: usage)

    found = list(machine.own_disk(replace(config, DATA_DIR=str(tmp_path))))

    assert found[-1].check == "disk of DATA_DIR"
    assert found[-1].status is status
    assert found[-1].found == f"{free:.1f} of 100.0 GiB free"


def test_full_disk_of_pictures_is_told_apart(monkeypatch, config, tmp_path):
    """Intake pauses for that one, too."""
    gib = 2**30
    usage = {str(tmp_path / "pictures"): Usage(gib, gib, 0)}
    (tmp_path / "pictures").mkdir()
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda path: usage[str(path)])
    chosen = replace(config, STORAGE="file", STORAGE_DIR=str(tmp_path / "pictures"))

    (found,) = machine.pictures_disk(chosen)

    assert (found.check, found.status) == ("disk of STORAGE_DIR", Verdict.FAILED)
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

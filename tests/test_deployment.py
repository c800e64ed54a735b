"""Dockerfile, compose.yaml and systemd units: linted, and true to the Procfile."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent
PAGES = ("docs/deployment.md", "docs/deployment.en.md")
PROCFILE = dict(
    re.findall(r"^(\w+): (.+)$", (ROOT / "Procfile").read_text(), re.MULTILINE)
)
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES = COMPOSE["services"]
UNIT = re.compile(r"```ini\n# /etc/systemd/system/(\S+)\n(.*?)```", re.DOTALL)
BIN = Path(sys.executable).parent
OURS = {"release", "web", "worker", "simulator"}


def units(page: str) -> dict[str, str]:
    return dict(UNIT.findall((ROOT / page).read_text("utf-8")))


def test_dockerfile_is_without_findings():
    """By hadolint, from its errors down to its hints."""
    done = subprocess.run(
        [BIN / "hadolint", ROOT / "Dockerfile"], capture_output=True, text=True
    )

    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.system
def test_compose_file_is_one():
    """By the schema of the specification."""
    words = [BIN / "check-jsonschema", "--builtin-schema", "vendor.compose-spec"]
    done = subprocess.run(
        [*words, ROOT / "compose.yaml"], capture_output=True, text=True
    )

    assert done.returncode == 0, done.stdout


def test_compose_file_runs_what_the_procfile_runs():
    """Web by the image's own command, and what goes before a release first."""
    image = (ROOT / "Dockerfile").read_text().rpartition("\nFROM ")[2]

    assert re.findall(r"^CMD (.+)$", image, re.MULTILINE) == [
        "[" + ", ".join(f'"{word}"' for word in PROCFILE["web"].split()) + "]"
    ]
    assert "command" not in SERVICES["web"]
    assert SERVICES["worker"]["command"] == PROCFILE["worker"]
    assert SERVICES["release"]["command"] == f'sh -c "{PROCFILE["release"]}"'
    for name in ("web", "worker"):
        waits_for = SERVICES[name]["depends_on"]
        assert waits_for["release"]["condition"] == "service_completed_successfully"


def test_pictures_in_a_directory_have_a_volume():
    """One that all processes share, at the directory that the image has for it."""
    where = SERVICES["web"]["environment"]["STORAGE_DIR"]

    assert "pictures" in COMPOSE["volumes"]
    for name in ("release", "web", "worker"):
        assert SERVICES[name]["volumes"] == [f"pictures:{where}"]
        assert SERVICES[name]["environment"]["STORAGE_DIR"] == where
    image = (ROOT / "Dockerfile").read_text().rpartition("\nFROM ")[2]
    assert f"&& mkdir -p {where} " in image
    assert f"&& chown -R jimeng {Path(where).parent}\n" in image


def test_services_restart_rotate_and_tell_their_health():
    """And what `.env` says is stronger than the file's own defaults."""
    for name, service in SERVICES.items():
        assert service["restart"] in {"unless-stopped", "on-failure:5"}, name
        assert service["logging"] == {"driver": "local"}, name
        if name in OURS:
            assert service["environment"]["AUTH"] == "${AUTH:-off}"
            assert service["env_file"] == [{"path": ".env", "required": False}]
    healthy = {name for name, its in SERVICES.items() if "healthcheck" in its}
    assert healthy == {"web", "mongo", "redis"} and set(SERVICES) > OURS
    assert SERVICES["web"]["ports"] == ["127.0.0.1:8080:8080"]


def test_units_are_printed_alike():
    assert units(PAGES[0]) == units(PAGES[1])
    assert list(units(PAGES[0])) == [
        *("jimeng-web.service", "jimeng-worker.service"),
        *("jimeng-backup.service", "jimeng-backup.timer"),
    ]


@pytest.mark.system
@pytest.mark.parametrize("name", units(PAGES[0]))
def test_unit_is_without_findings(name, tmp_path):
    """By systemd's own checker, with the programs where this checkout has them."""
    for each, text in units(PAGES[0]).items():  # a timer names its service
        (tmp_path / each).write_text(text.replace("/opt/jimeng/.venv/bin", str(BIN)))

    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", tmp_path / name],
        capture_output=True,
        text=True,
    )

    said = [line for line in done.stderr.splitlines() if name in line]
    assert (said, done.returncode) == ([], 0), done.stderr


@pytest.mark.parametrize("kind", ["web", "worker"])
def test_unit_runs_what_the_procfile_runs(kind):
    """And leaves it the time to end that it takes; a wrong setting is tried once."""
    unit = units(PAGES[0])[f"jimeng-{kind}.service"]
    lines = dict(re.findall(r"^(\w+)=(.*)$", unit, re.MULTILINE))

    assert lines["ExecStart"] == f"/opt/jimeng/.venv/bin/{PROCFILE[kind]}"
    assert int(lines["TimeoutStopSec"]) > 25
    assert lines["RestartPreventExitStatus"] == "4"


BACKUPS = re.compile(r"flask --app wsgi (backup --keep \d+) (/\S+?)[`\n]")


@pytest.mark.parametrize("page", PAGES)
def test_backups_that_are_printed_keep_so_many(page, app, tmp_path):
    """Systemd's, cron's and Docker's; each where it may write."""
    found = BACKUPS.findall((ROOT / page).read_text("utf-8"))
    unit = units(page)["jimeng-backup.service"]
    run = app.test_cli_runner().invoke

    assert len(found) == 3
    assert f"StateDirectory={found[0][1].removeprefix('/var/lib/')}\n" in unit
    for command, _ in found:
        for _ in range(2):
            done = run(args=[*command.split(), str(tmp_path)])
            assert done.exit_code == 0, done.output
    assert 1 <= len(list(tmp_path.iterdir())) <= 14

"""``flask doctor``: check everything that a server needs, with advice."""

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict

import click
from flask import current_app
from flask.cli import with_appcontext

from jimeng.cli.checks import TIMEOUT_S, Finding, Verdict, examine, examine_machine
from jimeng.cli.databases import Silent, databases, with_demo
from jimeng.cli.language import message, terminal_language
from jimeng.config import Config

MARKS = {Verdict.OK: "ok", Verdict.WARNING: "warning", Verdict.FAILED: "FAILED"}
WIDTH = 7  # characters of the longest mark


@click.command()
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@with_appcontext
def doctor(as_json: bool) -> None:
    """
    Check databases, indexes, storage, queue, keys, clock, disks and addresses.

    Changes nothing and costs nothing. The exit status is 1 if a check has failed;
    warnings leave it at 0.
    """
    found = []
    for finding in findings(current_app.config["JIMENG"]):
        found.append(finding)
        if not as_json:
            click.echo(format_finding(finding))
    has_failed = any(each.status is Verdict.FAILED for each in found)
    if as_json:
        rows = [as_row(each) for each in found]
        whole = {"ok": not has_failed, "findings": rows}
        click.echo(json.dumps(whole, ensure_ascii=False, indent=2))
    sys.exit(1 if has_failed else 0)


def findings(config: Config) -> Iterator[Finding]:
    """The findings for the databases of the settings, or of `make run`."""
    seen = with_demo(config)
    try:
        with databases(timeout_s=TIMEOUT_S):
            yield from examine(seen)
            if seen is not config:
                address = seen.VOLCENGINE_ENDPOINT
                yield Finding("demo", Verdict.SKIPPED, address, "doctor.demo")
    except Silent as error:
        advice = f"ready.{error.kind}"
        yield Finding(error.kind, Verdict.FAILED, error.found, advice)
        yield from examine_machine(config)
    except click.ClickException:
        yield Finding("databases", Verdict.FAILED, "", "doctor.not_running")
        yield from examine_machine(config)


def advice_of(finding: Finding) -> str:
    if not finding.advice:
        return ""
    return message(finding.advice, **dict(finding.values))


def format_finding(finding: Finding) -> str:
    """A line of facts, and a line of advice if there is any, with its section."""
    mark = MARKS.get(finding.status, "-")
    facts = f"{mark:{WIDTH}}  {finding.check:22}  {finding.found}".rstrip()
    advice = advice_of(finding)
    if finding.section:
        page = "operations" if terminal_language() == "zh" else "operations.en"
        advice += f" (docs/{page}.md#{finding.section})"
    return f"{facts}\n{'':{WIDTH}}  → {advice}" if advice else facts


def as_row(finding: Finding) -> dict[str, str]:
    row = asdict(finding) | {"advice": advice_of(finding), "section": finding.section}
    del row["values"]
    return row

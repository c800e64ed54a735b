"""The audit trail: who did what, and when."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from flask import g, render_template, request, url_for
from flask.typing import ResponseReturnValue

from jimeng.documents import AuditEntry
from jimeng.http.csv_export import csv_response
from jimeng.i18n import MESSAGES, t
from jimeng.operations import audit as trail
from jimeng.web.admin import bp

COLUMNS = (
    "id",
    "at",
    "by",
    "name",
    "address",
    "action",
    "target",
    "details",
    "outcome",
)


@dataclass(frozen=True)
class Fact:
    """
    One detail of an entry.

    Attributes:
        label: The name of the detail; empty where the text says enough.
        url: A page with more about it, or None.
    """

    label: str
    text: str
    url: str | None = None


@bp.get("/audit")
def audit() -> ResponseReturnValue:
    """All actions of operators, newest first."""
    return render_template(
        "admin/audit.html",
        page=trail.page(g.principal, request.args.get("cursor") or None),
        facts=facts,
        target=target,
    )


@bp.get("/audit.csv")
def audit_csv() -> ResponseReturnValue:
    """The whole trail for a spreadsheet or an archive, newest first."""
    return csv_response("jimeng-audit.csv", COLUMNS, rows(trail.pages(g.principal)))


def rows(pages: Iterable[trail.Entries]) -> Iterator[list[str]]:
    """Ids in full, so that they can be searched for; details and outcome as JSON."""
    for page in pages:
        for entry in page.rows:
            yield [
                *(entry.id, entry.at.isoformat(), entry.by),
                *(page.names.get(entry.by, ""), entry.address or "", entry.action),
                *(entry.target or "", as_json(entry.details), as_json(entry.outcome)),
            ]


def as_json(details: Mapping[str, object] | None) -> str:
    return json.dumps(details, ensure_ascii=False, default=str) if details else ""


def target(entry: AuditEntry, names: Mapping[str, str]) -> Fact:
    """The target of the action; a deleted user has no page to link to."""
    name = str(entry.target)
    if entry.action.startswith(("users.", "keys.")):
        return user(name, names)
    if entry.action.startswith(("collections.", "shares.")):
        return user(name, names) if name in names else Fact("", f"…{name[-8:]}")
    if entry.action.startswith("prices."):
        return Fact("", name)
    if entry.action.startswith("pictures."):
        return Fact("", f"…{name[-8:]}", url_for("web.picture", picture_id=name))
    return task("", name)


def task(label: str, task_id: str) -> Fact:
    """A link to a task; the last digits of its id identify it."""
    return Fact(label, f"…{task_id[-8:]}", url_for("web.task", task_id=task_id))


def user(user_id: str, names: Mapping[str, str]) -> Fact:
    if user_id not in names:
        return Fact("", user_id)
    return Fact("", names[user_id], url_for(".user", user_id=user_id))


def facts(details: Mapping[str, object], names: Mapping[str, str]) -> list[Fact]:
    """Details or an outcome as text; unknown fields have their stored names."""
    return [fact(name, value, names) for name, value in details.items()]


def fact(name: str, value: object, names: Mapping[str, str]) -> Fact:
    key = f"fact.{name}"
    label = t(key) if key in MESSAGES else name
    if name in {"user", "of"}:
        who = user(str(value), names)
        return Fact(label, who.text, who.url)
    if name == "task":
        return task(label, str(value))
    if name == "role":
        return Fact(label, t(f"users.role_{value}"))
    if value is None or value is True:
        return Fact(label, t("fact.usual") if value is None else "")
    return Fact(label, str(value))

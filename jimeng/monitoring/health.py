"""Health checks: liveness and readiness."""

from flask import Response

from jimeng.api.openapi.blueprint import DescribedBlueprint
from jimeng.config.version import COMMIT, VERSION
from jimeng.http.responses import failure
from jimeng.i18n import t
from jimeng.monitoring import readiness
from jimeng.monitoring.readiness import Readiness
from jimeng.schemas.responses import Health, Ready, Reason

bp = DescribedBlueprint("health", __name__, probe=True)

REASONS = Reason(many=True)
NO_FAULTS = Ready(only=("paused", "resting", "lowered", "spent", "provider_refuses"))


@bp.get("/health", tags=["system"])
@bp.response(200, Health)
def health() -> dict:
    """Liveness: the process answers; databases are not checked."""
    return {"status": "ok", "version": VERSION, "commit": COMMIT}


@bp.get("/health/ready", tags=["system"])
@bp.response(200, Ready)
@bp.describe(errors=["not_ready"])
def ready() -> Response | Readiness:
    """Readiness: 200 if tasks can be processed, otherwise 503 and what is missing."""
    found = readiness.current()
    if not found.reasons:
        return found
    missing = [reason.code for reason in found.reasons]
    return failure(
        "not_ready",
        503,
        message=t("answer.not_ready", missing=", ".join(missing)),
        retry_after=5,
        status="unavailable",
        missing=missing,
        reasons=REASONS.dump(found.reasons),
        **NO_FAULTS.dump(found),
    )

"""What lies beyond this machine: models, clocks and the own address."""

from collections import namedtuple
from datetime import timedelta

import pytest

from jimeng.cli.checks import Verdict
from jimeng.errors import ProviderError
from jimeng.i18n import MESSAGES
from jimeng.providers.models.visual import MODELS
from tests.doctor.conftest import Service, answering

REQ_KEYS = [each.req_key for each in MODELS]
VISUAL = "volcengine_jimeng"
KEYS = {"VOLCENGINE_ACCESS_KEY": "key", "VOLCENGINE_SECRET_KEY": "secret"}
Usage = namedtuple("Usage", "total used free")


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
    """By how much; this machine's is behind where the provider's is ahead."""
    with answering(ahead=timedelta(minutes=minutes)) as address:
        found = look(Service(address))[f"clock of {VISUAL}"]

    assert found.status is status
    assert abs(float(found.found.removesuffix(" s")) + 60 * minutes) < 5


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

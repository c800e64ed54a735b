"""Outside this machine: providers, their clocks, and the public URL."""

import time
from collections import defaultdict
from collections.abc import Iterator
from email.utils import parsedate_to_datetime

import requests
from pymongo.errors import PyMongoError

from jimeng import jobs, lanes
from jimeng.cli.checks.finding import Finding, Verdict, graded
from jimeng.config import Config
from jimeng.errors import ProviderError
from jimeng.providers import Model, credentials

TIMEOUT_S = 5.0
# Volcengine refuses signatures whose time differs by more than 15 minutes; fail at half
# of that.
CLOCK_WARNING_S, CLOCK_FAILED_S = 60.0, 450.0


def models(config: Config) -> Iterator[Finding]:
    """Each model's keys and activation, as far as can be checked without generating."""
    if not config.has_credentials:  # `make run` draws demo pictures then
        settings = (("settings", credentials()),)
        yield Finding("models", Verdict.WARNING, "", "error.no_provider", settings)
        return
    registry = jobs.runtime().registry
    failing = failing_lanes()
    failed: dict[tuple[str, str, str], list[Finding]] = defaultdict(list)
    for model in registry.models.values():
        for account in registry.accounts_of(model.provider):
            found = model_finding(model, account)
            if found.status is Verdict.OK:
                # Its keys are accepted, its submissions are not.
                if lanes.AccountLane(model.lane, account) not in failing:
                    yield found
            else:
                failed[model.provider, account, found.advice].append(found)
    for (provider, account, advice), alike in failed.items():
        if len(alike) == 1:
            yield alike[0]
            continue
        check = f"models of {provider}{of_account(account)}"
        facts = f"{len(alike)} models: {alike[0].found}"
        yield Finding(check, Verdict.FAILED, facts, advice)


def failing_lanes() -> set[lanes.AccountLane]:
    """Those whose submissions fail, as another check tells."""
    try:
        found = lanes.read_failures(jobs.runtime().registry.limits)
    except PyMongoError:  # as another check tells
        return set()
    return {each.account_lane for each in found}


def of_account(account: str) -> str:
    """The account in parentheses; empty if there is only one."""
    return f" ({account})" if len(jobs.runtime().registry.accounts) > 1 else ""


# Codes by which a probe shows only that the provider has a problem.
PROVIDER_FAILS = {
    *("submit_unknown", "provider_internal", "rate_limited", "concurrency_limited"),
    *("result_lost", "result_empty", "provider_refused", "moderation_unavailable"),
}


def advice_on_probe(error: ProviderError) -> str:
    """The message key of the advice for a failed probe."""
    if error.code == "provider_unreachable":
        return "doctor.provider_away"
    if error.code in PROVIDER_FAILS:
        return "doctor.provider_fails"
    return f"error.{error.code}"


def model_finding(model: Model, account: str) -> Finding:
    check = f"model {model.id}{of_account(account)}"
    try:
        service = jobs.runtime().registry.provider(model.provider, account)
        is_known = service.check(model.req_key)
    except ProviderError as error:
        found = f"{error.code} [{error.provider_code or '-'} {error.request_id or '-'}]"
        return Finding(check, Verdict.FAILED, found, advice_on_probe(error))
    advice = "answer.model_ready" if is_known else "answer.model_untried"
    return Finding(check, Verdict.OK, model.provider, advice)


def clock(config: Config) -> Iterator[Finding]:
    """This machine's clock agrees with those of the providers."""
    if not config.has_credentials:
        return
    for name, address in jobs.runtime().registry.addresses.items():
        check = f"clock of {name}"
        try:
            apart = clock_difference_s(address)
        except (requests.RequestException, ValueError) as error:
            named = type(error).__name__
            yield Finding(check, Verdict.SKIPPED, named, "doctor.clock_unknown")
            continue
        found = f"{apart:+.0f} s"
        yield graded(
            *(check, found),
            (abs(apart) > CLOCK_FAILED_S, Verdict.FAILED, "doctor.clock"),
            (abs(apart) > CLOCK_WARNING_S, Verdict.WARNING, "doctor.clock"),
        )


def clock_difference_s(address: str) -> float:
    """
    How far this machine's clock is ahead of that of a server.

    Raises:
        ValueError: the response has no date.
        RequestException: there was no response.
    """
    began = time.time()
    answer = requests.head(address, timeout=TIMEOUT_S, allow_redirects=False)
    meanwhile = (began + time.time()) / 2
    try:
        return meanwhile - parsedate_to_datetime(answer.headers["Date"]).timestamp()
    except (KeyError, TypeError) as error:
        raise ValueError("no time in the answer") from error


def public_url(config: Config) -> Iterator[Finding]:
    """The public URL leads to a jimeng server."""
    if not config.PUBLIC_URL:
        yield Finding("PUBLIC_URL", Verdict.SKIPPED, "", "doctor.public_url_unset")
        return
    address = f"{config.PUBLIC_URL}/health"
    try:
        answer = requests.get(address, timeout=TIMEOUT_S, allow_redirects=False)
    except requests.RequestException as error:
        named = type(error).__name__
        yield Finding("PUBLIC_URL", Verdict.FAILED, named, "doctor.public_url")
        return
    is_ours = answer.status_code == 200 and "X-Request-ID" in answer.headers
    found = f"{config.PUBLIC_URL}: {answer.status_code}"
    is_others = (not is_ours, Verdict.FAILED, "doctor.public_url")
    yield graded("PUBLIC_URL", found, is_others)

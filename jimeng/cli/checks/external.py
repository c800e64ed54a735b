"""What lies beyond this machine: providers, the time, the server's own address."""

import time
from collections import defaultdict
from collections.abc import Iterator
from email.utils import parsedate_to_datetime

import requests

from jimeng import jobs
from jimeng.cli.checks.finding import Finding, Verdict, graded
from jimeng.config import Config
from jimeng.errors import ProviderError
from jimeng.providers import Model, credentials

TIMEOUT_S = 5.0  # seconds for an answer
# Volcengine refuses a signature that is further from its own time than 15 minutes;
# half of that is on the way there.
FAR, TOO_FAR = 60.0, 450.0  # seconds


def models(config: Config) -> Iterator[Finding]:
    """Each model's keys and activation, as far as can be told without drawing."""
    if not config.has_credentials:  # `make run` draws demo pictures then
        settings = (("settings", credentials()),)
        yield Finding("models", Verdict.WARNING, "", "error.no_provider", settings)
        return
    registry = jobs.runtime().registry
    failed: dict[tuple[str, str, str], list[Finding]] = defaultdict(list)
    for model in registry.models.values():
        for account in registry.accounts_of(model.provider):
            found = model_finding(model, account)
            if found.status is Verdict.OK:
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


def of_account(account: str) -> str:
    """Nothing where there is only one."""
    return f" ({account})" if len(jobs.runtime().registry.accounts) > 1 else ""


# What says of a picture whether it may be charged says of a probe only this.
PROVIDER_FAILS = {
    *("submit_unknown", "provider_internal", "rate_limited", "concurrency_limited"),
    *("result_lost", "result_empty", "provider_refused", "moderation_unavailable"),
}


def advice_on_probe(error: ProviderError) -> str:
    """The key in ``i18n`` of what an operator can do about it."""
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
    """This machine's clock agrees with the providers'."""
    if not config.has_credentials:
        return
    for name, address in jobs.runtime().registry.addresses.items():
        check = f"clock of {name}"
        try:
            apart = seconds_apart(address)
        except (requests.RequestException, ValueError) as error:
            named = type(error).__name__
            yield Finding(check, Verdict.SKIPPED, named, "doctor.clock_unknown")
            continue
        found = f"{apart:+.0f} s"
        yield graded(
            *(check, found),
            (abs(apart) > TOO_FAR, Verdict.FAILED, "doctor.clock"),
            (abs(apart) > FAR, Verdict.WARNING, "doctor.clock"),
        )


def seconds_apart(address: str) -> float:
    """
    How far ahead this machine's clock is of the one behind *address*.

    Raises:
        ValueError: the answer names no time.
        RequestException: there was none.
    """
    began = time.time()
    answer = requests.head(address, timeout=TIMEOUT_S, allow_redirects=False)
    meanwhile = (began + time.time()) / 2
    try:
        return meanwhile - parsedate_to_datetime(answer.headers["Date"]).timestamp()
    except (KeyError, TypeError) as error:
        raise ValueError("no time in the answer") from error


def public_url(config: Config) -> Iterator[Finding]:
    """The address that users are given leads to a server of ours."""
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

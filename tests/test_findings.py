"""Found from outside, to be mended by whoever owns the part."""

import pytest

from jimeng import jobs
from jimeng.providers import Registry
from tests.rest import (
    CAT,
    CREATE,
    client_with,
    create,
    data_of,
    refused,
)


@pytest.mark.parametrize(
    "header",
    ["en-US,zh;q=0.5", "en-GB;q=0.8, zh;q=0.2", "en-US, zh-CN;q=0.9, zh;q=0.8"],
)
def test_english_is_preferred_with_a_region_too(client, header):
    """A region behind the language makes it no less preferred. (i18n.language)"""
    answer = client.get("/health", headers={"Accept-Language": header})

    assert answer.json["message"] == "The service is running"


@pytest.mark.parametrize("origin", ["http://[", "http://[::1", "//[x"])
def test_malformed_origin_is_another_site(client, origin):
    """What is no address is not ours. (auth.reject_cross_site: urlsplit raises)"""
    answer = client.post(CREATE, json=CAT, headers={"Origin": origin})

    refused(answer, 403, "cross_site")


def test_repetition_is_answered_also_when_the_line_is_full(client, config, registry):
    """It asks for nothing new. (tasks.create takes turns before it looks)"""
    headers = {"Idempotency-Key": "k-1"}
    with client_with(config, registry, USER_MAX_PENDING=2) as other:
        first = other.post(CREATE, json=CAT, headers=headers)
        create(other)

        again = other.post(CREATE, json=CAT, headers=headers)

        assert data_of(again, 202) == data_of(first, 202)


def test_server_without_credentials_says_so(client, config):
    """Not a wrong model of none. (error.no_provider has words and is never used)"""
    jobs.configure(config, Registry({}, {}))

    refused(client.post(CREATE, json=CAT), 503, "no_provider")

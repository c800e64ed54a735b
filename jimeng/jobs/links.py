"""Links for a provider that fetches what goes in itself."""

import time

from jimeng.documents import Generation
from jimeng.jobs.runtime import runtime
from jimeng.pictures.links import LinkToken
from jimeng.providers.reach import address_for, fetches_from_store

PATH = "/in/"
AT_LEAST = 3600.0  # seconds; else as long as a task may take


def travels_as_link(generation: Generation) -> bool:
    """Whether the model of a picture is sent links instead of bytes."""
    model = runtime().registry.by_lane(generation.lane)
    takes = model and model.takes
    return bool(takes and takes.travels == "link")


def link_for(generation: Generation, input_id: str, about: dict) -> str | None:
    """
    The link under which the provider fetches one of the pictures that go in; None
    where it could not reach this server (any more).

    Args:
        about: Its ``file_id`` and ``content_type``, as it is sent.
    """
    config, registry = runtime().config, runtime().registry
    provider = registry.provider(generation.provider).address
    seconds = max(AT_LEAST, config.TASK_DEADLINE)
    if fetches_from_store(config, provider):
        kind = about["content_type"]
        link = runtime().inputs.link(
            about["file_id"], seconds=seconds, content_type=kind
        )
        if link is not None:
            return link
    address = address_for(config, provider)
    if address is None or not config.SECRET_KEY:
        return None
    end = int(time.time() + seconds)
    token = LinkToken(input_id, generation.id, end).signed(config.SECRET_KEY)
    return f"{address}{PATH}{token}"

"""Links for a provider that fetches what goes in itself."""

import time

from jimeng.documents import Generation
from jimeng.jobs.runtime import runtime
from jimeng.pictures.links import Named
from jimeng.providers.reach import address_for

PATH = "/in/"
AT_LEAST = 3600.0  # seconds; else as long as a task may take


def travels_as_link(generation: Generation) -> bool:
    """Whether the model of a picture is sent links instead of bytes."""
    model = runtime().registry.by_lane(generation.lane)
    takes = model and model.takes
    return bool(takes and takes.travels == "link")


def link_for(generation: Generation, input_id: str) -> str | None:
    """
    The link under which the provider fetches one of the pictures that go in; None
    where it could not reach this server (any more).
    """
    config, registry = runtime().config, runtime().registry
    address = address_for(config, registry.provider(generation.provider).address)
    if address is None or not config.SECRET_KEY:
        return None
    end = time.time() + max(AT_LEAST, config.TASK_DEADLINE)
    token = Named(input_id, generation.id, int(end)).signed(config.SECRET_KEY)
    return f"{address}{PATH}{token}"

"""The settings, providers and stores of this process."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import BoundedSemaphore

from jimeng.config import Config
from jimeng.errors import StorageUnavailable, outages
from jimeng.pictures.stores import Store, choose
from jimeng.pictures.stores.gridfs import INPUTS, RESULTS
from jimeng.process import broker
from jimeng.providers import Registry
from jimeng.providers.prompt_assistant import PromptAssistant


@dataclass(frozen=True)
class Runtime:
    """
    What jobs need.

    Attributes:
        config: The settings.
        registry: The providers.
        store: The files of output pictures.
        inputs: The files of input pictures.
        assistant: The prompt assistant; None if it is off.
    """

    config: Config
    registry: Registry
    store: Store
    inputs: Store
    assistant: PromptAssistant | None


_runtime: Runtime | None = None


def configure(config: Config, registry: Registry | None = None) -> Runtime:
    """
    Set up this process; nothing is connected yet.

    Args:
        registry: The providers; by default those that *config* has keys for.
    """
    global _runtime
    broker.connect(config)
    registry = registry or Registry.from_config(config)
    outages.watch("storage", lambda error: isinstance(error, StorageUnavailable))
    store, inputs = choose(config, RESULTS, INPUTS)
    assistant = PromptAssistant.from_config(config)
    _runtime = Runtime(config, registry, store, inputs, assistant)
    return _runtime


@contextmanager
def try_acquire(permits: BoundedSemaphore) -> Iterator[bool]:
    """Whether one of these *permits* was free; it is released after the block."""
    is_free = permits.acquire(blocking=False)
    try:
        yield is_free
    finally:
        if is_free:
            permits.release()


def runtime() -> Runtime:
    if _runtime is None:
        raise RuntimeError("jobs.configure has not been called")
    return _runtime

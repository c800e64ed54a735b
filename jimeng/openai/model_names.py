"""
Names of models: those that clients have built in lead to models of this server.

`OPENAI_MODELS` adds to these and replaces them.
"""

from collections.abc import Iterable
from fnmatch import fnmatchcase

from flask import current_app

from jimeng import jobs
from jimeng.config import Config
from jimeng.errors import ConfigError, Invalid
from jimeng.providers import Model, Registry

DEFAULT = "default"  # what a name leads to that stands for the server's default model
NONE = "none"  # what one leads to that is not to be taken
# Whatever a client of OpenAI's was built with.
BUILT_IN = tuple(
    f"{name}*={DEFAULT}" for name in ("gpt-image", "chatgpt-image", "dall-e")
)
WITHOUT_LINKS = ("gpt-image", "chatgpt-image")  # always answered with the bytes


def find(name: str | None, *, images: int = 0, mask: bool = False) -> Model:
    """
    The model that a client means by *name*; the default one for None.

    Args:
        images: Pictures that are given with it, of which the default one takes as
            many where there is one that does.
        mask: Whether a mask is.

    Raises:
        NoProvider: there are no models at all.
        Invalid: it leads to none.
    """
    registry = jobs.runtime().registry
    led = target(name, table())
    if led is None and name not in own_names(registry):
        led = target(name, BUILT_IN)
    if led == NONE:
        known = ", ".join(sorted({model.id for model in registry.models.values()}))
        raise Invalid.field("model", "invalid.model", known=known)
    if (led or name) in {None, DEFAULT} and images:
        found = taking(registry, images, mask=mask)
        if found is not None:
            return found
    return registry.model({None: name, DEFAULT: None}.get(led, led))


def taking(registry: Registry, images: int, *, mask: bool) -> Model | None:
    """
    The model that pictures go to where none is named: one that is told what to draw,
    with a mask one that takes that, and rather one that takes them all.
    """
    kinds = {"inpainting"} if mask else {"image-to-image", "text-to-image"}
    found = [
        model
        for model in registry.models.values()
        if model.takes_images and model.task in kinds
    ]
    # One made for it needs no address at which the service could fetch them.
    found.sort(key=lambda each: (takes(each) < images, each.task == "text-to-image"))
    return found[0] if found else None


def takes(model: Model) -> int:
    return model.takes.most if model.takes else 0


def own_names(registry: Registry) -> set[str]:
    return {name for model in registry.models.values() for name in model.names}


def target(name: str | None, rows: Iterable[str]) -> str | None:
    """Where the first row that fits leads; None if none does."""
    asked = (name or "").lower()
    split = (row.split("=", 1) for row in rows)
    return next((to for each, to in split if fnmatchcase(asked, each)), None)


def table() -> tuple[str, ...]:
    config: Config = current_app.config["JIMENG"]
    return config.OPENAI_MODELS


def listed() -> list[tuple[str, Model]]:
    """The names to show: each model's own, and those that the operator wrote out."""
    models = jobs.runtime().registry.models.values()
    names = dict.fromkeys(each.id for each in models)
    for row in table():
        name, to = row.split("=", 1)
        if to == NONE:
            names.pop(name, None)
        elif "*" not in name:
            names[name] = None
    return [(name, find(name)) for name in names] if models else []


def check(config: Config) -> None:
    """
    Raises:
        ConfigError: `OPENAI_MODELS` leads to a model that is not offered.
    """
    registry = jobs.runtime().registry
    own = own_names(registry)
    for row in config.OPENAI_MODELS:
        name, to = row.split("=", 1)
        if own and to not in {*own, DEFAULT, NONE}:
            known = ", ".join(sorted({model.id for model in registry.models.values()}))
            raise ConfigError(
                f"OPENAI_MODELS: {name} leads to {to}, which is not offered; "
                f"there are: {known}"
            )


def answers_with_bytes(name: str | None) -> bool:
    """Whether clients that ask for this model expect no links."""
    return (name or "").lower().startswith(WITHOUT_LINKS)

"""
Model names: maps the names built into clients to models of this server.

`OPENAI_MODELS` adds to these and replaces them.
"""

from collections.abc import Iterable
from fnmatch import fnmatchcase

from flask import current_app

from jimeng import jobs
from jimeng.config import Config
from jimeng.errors import ConfigError, Invalid
from jimeng.providers import Model, Registry
from jimeng.providers.models import Makes

DEFAULT = "default"  # target of names that mean the server's default model
NONE = "none"  # target of names that are rejected
# Names built into clients of OpenAI's.
BUILT_IN = tuple(
    f"{name}*={DEFAULT}" for name in ("gpt-image", "chatgpt-image", "dall-e", "sora")
)
WITHOUT_LINKS = ("gpt-image", "chatgpt-image")  # responses always contain the bytes


def find(
    name: str | None,
    *,
    images: int = 0,
    mask: bool = False,
    makes: Makes | None = "image",
) -> Model:
    """
    The model that a client means by *name*; the default model for None.

    Args:
        images: The number of input pictures: instead of the default model, one that
            accepts them is preferred.
        mask: Whether there is a mask.
        makes: As in `Registry.model`.

    Raises:
        NoProvider: there are no models at all.
        Invalid: the name means no model.
    """
    registry = jobs.runtime().registry
    led = target(name, configured_rows())
    if led is None and name not in own_names(registry):
        led = target(name, BUILT_IN)
    if led == NONE:
        known = ", ".join(sorted({model.id for model in registry.making("image")}))
        raise Invalid.field("model", "invalid.model", known=known)
    if (led or name) in {None, DEFAULT} and images:
        found = model_for_images(registry, images, mask=mask)
        if found is not None:
            return found
    return registry.model({None: name, DEFAULT: None}.get(led, led), makes=makes)


def model_for_images(registry: Registry, images: int, *, mask: bool) -> Model | None:
    """
    The model for input pictures if none is named: one that takes a prompt, with a mask
    one that takes it, and preferably one that takes all pictures.
    """
    kinds = {"inpainting"} if mask else {"image-to-image", "text-to-image"}
    found = [
        model
        for model in registry.making("image")
        if model.takes_images and model.task in kinds
    ]
    # An image-to-image model needs no public URL from which the service fetches them.
    found.sort(
        key=lambda each: (max_inputs(each) < images, each.task == "text-to-image")
    )
    return found[0] if found else None


def max_inputs(model: Model) -> int:
    return model.takes.most if model.takes else 0


def own_names(registry: Registry) -> set[str]:
    return {name for model in registry.models.values() for name in model.names}


def target(name: str | None, rows: Iterable[str]) -> str | None:
    """The target of the first row whose pattern matches, or None."""
    asked = (name or "").lower()
    split = (row.split("=", 1) for row in rows)
    return next((to for each, to in split if fnmatchcase(asked, each)), None)


def configured_rows() -> tuple[str, ...]:
    config: Config = current_app.config["JIMENG"]
    return config.OPENAI_MODELS


def list_names() -> list[tuple[str, Model]]:
    """The names to list: the models' own, and the operator's without wildcards."""
    models = jobs.runtime().registry.models.values()
    names = dict.fromkeys(each.id for each in models)
    for row in configured_rows():
        name, to = row.split("=", 1)
        if to == NONE:
            names.pop(name, None)
        elif "*" not in name:
            names[name] = None
    return [(name, find(name, makes=None)) for name in names] if models else []


def check(config: Config) -> None:
    """
    Raises:
        ConfigError: `OPENAI_MODELS` maps to a model that is not offered.
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

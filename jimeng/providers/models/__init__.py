"""The models: what can be asked of each, and what it is sent."""

from jimeng.providers.models.file import load_models
from jimeng.providers.models.model import PROVIDERS, RATIOS, Model, Size
from jimeng.providers.models.table import DEFAULT_MODEL, MODELS

__all__ = [
    "DEFAULT_MODEL",
    "MODELS",
    "PROVIDERS",
    "RATIOS",
    "Model",
    "Size",
    "load_models",
]

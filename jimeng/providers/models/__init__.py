"""The models: what can be asked of each, and what it is sent."""

from jimeng.providers.models.model import DEFAULT_MODEL, RATIOS, Model, Size

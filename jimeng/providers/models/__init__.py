"""The models: their limits, and the parameters that are sent to them."""

from jimeng.providers.models.model import DEFAULT_MODEL, RATIOS, Makes, Model, Size

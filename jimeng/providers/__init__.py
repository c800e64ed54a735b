"""
Image services: their common interface, their implementations and models.

`jobs` submits and polls; the interfaces and `tasks` list what is offered.
"""

from jimeng.providers.inputs import Expansion, InputPicture
from jimeng.providers.models import Model
from jimeng.providers.provider import ImageRequest, Progress
from jimeng.providers.registry import MODELS, PROVIDERS, Registry, credentials

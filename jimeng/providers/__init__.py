"""
Image services: the common interface, its implementations and their models.

`jobs` submits and polls; the interfaces and `tasks` list the available models.
"""

from jimeng.providers.inputs import InputPicture
from jimeng.providers.models import Model
from jimeng.providers.models.model import Expansion
from jimeng.providers.models.video import VideoParameters
from jimeng.providers.provider import ImageRequest, ListPage, Progress, Provider
from jimeng.providers.registry import MODELS, PROVIDERS, Registry, credentials

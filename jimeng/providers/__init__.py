"""
Image services: what is asked of one, those there are, and their models.

`jobs` sends by them; the doors and `tasks` ask what is offered.
"""

from jimeng.providers.inputs import Expansion, InputPicture
from jimeng.providers.models import Model
from jimeng.providers.provider import ImageRequest, Progress
from jimeng.providers.registry import MODELS, PROVIDERS, Registry, credentials

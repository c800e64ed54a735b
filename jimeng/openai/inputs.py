"""Input pictures of a request, under all field names and formats that clients use."""

import re

from jimeng.errors import Invalid
from jimeng.inputs import Reference
from jimeng.openai.requests import Body
from jimeng.schemas.fields import is_storable

# ``image``, ``image[]``, ``image[0]``, ``images``: clients send all of these.
IMAGES = re.compile(r"images?(\[\d*\])?")
MASK = "mask"
REFERENCE_KEYS = (
    "image_url",
    "url",
    "b64_json",
    "data",
)  # of an object that stands for one
MIN_BASE64_CHARS = 200  # characters: longer text without a scheme is base64 and no name


def images_of(body: Body) -> tuple[Reference, ...]:
    """
    References to the input pictures, in the order of the request.

    Raises:
        Invalid: one of them cannot be a picture.
    """
    names = [name for name in (*body.files, *body.fields) if IMAGES.fullmatch(name)]
    names = list(dict.fromkeys(names))
    files = [file for name in names for file in body.files.get(name, ())]
    texts = [each for name in names for each in as_list(body.fields.get(name))]
    return (*files, *(reference("image", each) for each in texts))


def mask_of(body: Body) -> Reference | None:
    """
    A reference to the mask, or None.

    Raises:
        Invalid: it cannot be a picture.
    """
    files = body.files.get(MASK)
    if files:
        return files[0]
    texts = as_list(body.fields.get(MASK))
    return reference(MASK, texts[0]) if texts else None


def as_list(value: object) -> list:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def reference(field: str, value: object) -> str:
    """Normalise a value for `find_inputs`; bare base64 becomes a ``data:`` URL."""
    if isinstance(value, dict):
        inner = next((value[name] for name in REFERENCE_KEYS if value.get(name)), None)
        return reference(field, inner)
    if not isinstance(value, str) or not value.strip():
        raise Invalid.field(field, "invalid.image_unknown")
    text = value.strip()
    if not is_storable(text):
        raise Invalid.field(field, "invalid.unstorable")
    is_bare = len(text) > MIN_BASE64_CHARS and ":" not in text[:20]
    return f"data:;base64,{text}" if is_bare else text

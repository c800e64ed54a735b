"""
References to input pictures in a request, looked up before anything is stored.

A reference is text (the id of an upload or of a picture, a URL of this server, an
``https`` URL, or a ``data:`` URL), or the bytes of a form's file.
"""

import base64
import binascii
import hashlib
import logging
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from jimeng import jobs
from jimeng.documents import Image, Input
from jimeng.documents.image import SHOWN
from jimeng.documents.input import PREFIX
from jimeng.documents.principal import Principal, recorded_on_behalf
from jimeng.errors import Invalid
from jimeng.jobs.inputs import MAX_FETCHED_BYTES
from jimeng.providers.download import is_known_inside

log = logging.getLogger(__name__)

MAX_URL_CHARS = 2000
DATA = re.compile(
    r"data:([a-z]+/[a-z0-9.+-]+)?(;[a-z]+=[^;,]*)*;base64,", re.IGNORECASE
)
KEY = "([A-Za-z0-9_-]{16,40})"
LINK = re.compile(
    rf"/i/{KEY}(\.[a-z]+|/thumb\.webp)|/v/{KEY}(\.mp4|/last_frame\.png)", re.ASCII
)
UPLOAD = re.compile(r"/api/v1/uploads/(upload_[A-Za-z0-9_-]+)(/content)?", re.ASCII)
USABLE = {"doomed_at": {"$exists": False}, "state": {"$ne": "gone"}}

Reference = str | bytes


@dataclass(frozen=True)
class Named:
    """
    A resolved reference. Exactly one of the last four attributes is set.

    Attributes:
        field: Where it was in the request: ``images.0``, or ``mask``.
        text: As written; None for a file or a ``data:`` URL.
        stored_input: An input that is stored already.
        picture: A picture that was generated here, or a video with its last frame.
        content: The bytes as received.
        url: A URL that a worker will download.
    """

    field: str
    text: str | None = None
    stored_input: Input | None = None
    picture: Image | None = None
    content: bytes | None = None
    url: str | None = None

    @property
    def owner(self) -> str | None:
        """The owner's id; None if it is not stored here yet."""
        stored = self.stored_input or self.picture
        return None if stored is None else stored.user_id

    @property
    def mark(self) -> str:
        """Its part of a request's fingerprint: equal for equal references."""
        if self.content is not None:
            return f"sha256:{hashlib.sha256(self.content).hexdigest()}"
        return str(self.text)


def find_inputs(
    principal: Principal,
    images: Sequence[Reference],
    mask: Reference | None = None,
    *,
    user_id: str | None = None,
) -> list[Named]:
    """
    Resolve the references of a request; the mask is last.

    Args:
        user_id: For whom they are used. Who has customers may use for each of them
            that customer's and their own, and no other customer's.

    Raises:
        Invalid: some are malformed or not the principal's to use; names each.
    """
    found, wrong = [], {}
    for field, reference in listed(images, mask):
        try:
            named = resolve(principal, field, reference)
            usable = {None, user_id, principal.user_id}
            is_others = named.owner not in usable and not principal.is_operator
            if user_id and is_others:
                raise Invalid.field(field, "invalid.image_unknown")
            found.append(named)
        except Invalid as error:
            wrong.update(error.fields)
    if wrong:
        raise Invalid(wrong)
    for owner in {each.owner for each in found if each.owner is not None}:
        with recorded_on_behalf(principal, owner, "pictures.use"):
            log.debug("pictures referenced of=%s", owner)
    return found


def listed(
    images: Sequence[Reference], mask: Reference | None
) -> Iterator[tuple[str, Reference]]:
    yield from ((f"images.{index}", each) for index, each in enumerate(images))
    if mask is not None:
        yield "mask", mask


def resolve(principal: Principal, field: str, reference: Reference) -> Named:
    """
    Resolve one reference.

    Raises:
        Invalid: as `find_inputs`.
    """
    if isinstance(reference, bytes):
        return Named(field, content=reference)
    if reference[:5].lower() == "data:":
        return Named(field, content=decode_data_url(field, reference))
    text = reference.strip()
    if text.startswith(PREFIX):
        return Named(field, text, stored_input=upload(principal, field, text))
    if "/" not in text:
        return Named(field, text, picture=find_output(principal, field, {"_id": text}))
    path = own_path(field, text)
    if path is None:
        return Named(field, text, url=text)
    if link := LINK.fullmatch(path):
        key = {"key": link[1] or link[3]}
        return Named(field, text, picture=find_output(principal, field, key))
    if link := UPLOAD.fullmatch(path):
        return Named(field, text, stored_input=upload(principal, field, link[1]))
    raise Invalid.field(field, "invalid.image_unknown")


def decode_data_url(field: str, url: str) -> bytes:
    """
    Decode a ``data:`` URL.

    Raises:
        Invalid: it is not valid base64, or too large.
    """
    head = DATA.match(url)
    if head is None:
        raise Invalid.field(field, "invalid.data_url")
    if (len(url) - head.end()) * 3 // 4 > MAX_FETCHED_BYTES:
        raise Invalid.field(field, "refused.large")
    try:
        return base64.b64decode(url[head.end() :], validate=True)
    except (binascii.Error, ValueError):
        raise Invalid.field(field, "invalid.data_url") from None


def upload(principal: Principal, field: str, input_id: str) -> Input:
    where = {"_id": input_id, **principal.filter(), **USABLE}
    found = Input.find_one({**where, "hidden": {"$exists": False}})
    if found is None:
        raise Invalid.field(field, "invalid.image_unknown")
    return found


def find_output(principal: Principal, field: str, where: dict) -> Image:
    """
    A picture, or a video, whose last frame is used.

    Raises:
        Invalid: there is none, or the video's last frame is not stored.
    """
    found = Image.find_one({**where, **principal.filter(), **SHOWN})
    if found is None:
        raise Invalid.field(field, "invalid.image_unknown")
    if getattr(found, found.input_part) is None:
        raise Invalid.field(field, "invalid.no_last_frame")
    return found


def own_path(field: str, address: str) -> str | None:
    """
    The path of a URL of this server, which is looked up and never fetched; None for a
    URL of another host.

    Raises:
        Invalid: pictures may not be fetched from that URL.
    """
    try:
        parts = urlsplit(address)
        host = (parts.hostname or "").lower().rstrip(".")
        port = parts.port
    except ValueError:
        raise Invalid.field(field, "invalid.image_address") from None
    if not parts.scheme and not parts.netloc and address.startswith("/"):
        return parts.path
    if len(address) > MAX_URL_CHARS or not host or "@" in parts.netloc:
        raise Invalid.field(field, "invalid.image_address")
    config = jobs.runtime().config
    allowed = {host, f"{host}:{port}"} & set(config.ALLOWED_USER_HOSTS)
    if host in config.own_hosts and not allowed:
        return parts.path
    if parts.scheme != "https" and not (parts.scheme == "http" and allowed):
        raise Invalid.field(field, "invalid.image_address")
    if is_known_inside(host) and not allowed:
        raise Invalid.field(field, "invalid.image_private")
    return None


def references_of(ids: Sequence[str], *, has_mask: bool) -> list[Named]:
    """
    References to the inputs of an earlier task; failed downloads are tried again.

    Raises:
        Invalid: an input is no longer stored; names the first.
    """
    rows = Input.collection().find({"_id": {"$in": list(ids)}})
    there = {row["_id"]: Input.read(row) for row in rows}
    last = len(ids) - 1 if has_mask else len(ids)
    found = []
    for index, input_id in enumerate(ids):
        field = "mask" if index == last else f"images.{index}"
        each = there.get(input_id)
        is_gone = each is None or each.state == "gone" or each.doomed_at is not None
        if each is not None and is_gone and each.url:
            found.append(Named(field, each.url, url=each.url))
        elif each is None or is_gone:
            raise Invalid.field(field, "invalid.image_unknown")
        else:
            found.append(Named(field, each.id, stored_input=each))
    return found

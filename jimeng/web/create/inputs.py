"""Inputs of the form: upload, thumbnails for their owner, and the model's limits."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from flask import Response, g, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import FileStorage

from jimeng import inputs, pictures
from jimeng.documents import Image, Input
from jimeng.documents.input import PREFIX
from jimeng.documents.kinds import VIDEO
from jimeng.documents.principal import Principal
from jimeng.errors import Invalid, PictureInvalid, QueueUnavailable
from jimeng.errors.inputs import ServerBusy, TooManyUploads, UploadNotFound, UploadsFull
from jimeng.gallery import picture_details
from jimeng.http.request_kinds import sends_picture
from jimeng.http.requests import MAX_PICTURE_BODY_BYTES, accepts_pictures
from jimeng.http.responses import file_response, rooted
from jimeng.i18n import reasons, t
from jimeng.inputs import Named
from jimeng.providers import Model
from jimeng.web import bp, refused
from jimeng.web.create.options import ModelOption
from jimeng.web.pictures.files import STANDALONE_CSP


@dataclass(frozen=True)
class Tray:
    """
    Attributes:
        model: The chosen one; None if there is none.
        count: The number of inputs in the form.
        models: All models that the form offers.
    """

    model: Model | None
    count: int
    models: Sequence[ModelOption]

    @property
    def max_upload_mib(self) -> int:
        """The largest submission without JavaScript, in MiB, all files together."""
        return MAX_PICTURE_BODY_BYTES // 2**20

    @property
    def max_inputs(self) -> int:
        """The most inputs that the model accepts."""
        takes = self.model.takes_here if self.model else None
        return takes.most if takes else 0

    @property
    def min_inputs(self) -> int:
        takes = self.model.takes_here if self.model else None
        return takes.least if takes else 0

    @property
    def why_not(self) -> str:
        """The message that says why the model accepts no inputs."""
        lacks = self.model.lacks if self.model and self.model.takes else None
        return t(f"lacks.{lacks}") if lacks else t("inputs.cannot")

    @property
    def state(self) -> str:
        """The problem to report: ``none``, ``cannot``, ``many`` or ``few``."""
        if self.count and not self.max_inputs:
            return "cannot"
        if self.count > self.max_inputs:
            return "many"
        return "few" if self.count < self.min_inputs else "none"

    @property
    def suggestion(self) -> ModelOption | None:
        """
        Suggest a model that accepts as many inputs, preferably one that needs the
        fewest. If there is none, the model that accepts the most.
        """
        taking = [
            (each, each.model.takes_here)
            for each in self.models
            if each.model.takes_here
        ]
        fitting = [pair for pair in taking if pair[1].most >= max(self.count, 1)]
        if fitting:
            return min(fitting, key=lambda pair: pair[1].least)[0]
        return max(taking, key=lambda pair: pair[1].most)[0] if taking else None


MAX_SHOWN = 20  # inputs in a form: more than any model accepts
THUMBNAIL_PX, MAX_THUMBNAIL_BYTES = 320, 200_000  # of the longer side
PLAIN = {"Content-Type": "text/plain; charset=utf-8"}
ID = re.compile(r"[A-Za-z0-9_-]{1,80}", re.ASCII)
REFUSALS = (Invalid, TooManyUploads, UploadsFull, ServerBusy, QueueUnavailable)


@dataclass(frozen=True)
class FormInput:
    """
    An input in a form.

    Attributes:
        id: The id by which a task refers to it.
        small: The URL of its thumbnail.
    """

    id: str
    small: str

    @property
    def stage(self) -> str:
        """The URL of the stage on which it is edited."""
        if self.id.startswith(PREFIX):
            return url_for("web.input_stage", upload_id=self.id)
        return url_for("web.picture", picture_id=self.id)

    @classmethod
    def of(cls, named: Named) -> "FormInput":
        if named.picture is not None:
            return cls.of_output(named.picture)
        small = url_for("web.input_thumbnail", upload_id=str(named.text))
        return cls(str(named.text), small)

    @classmethod
    def of_output(cls, found: Image) -> "FormInput":
        last = found.last_frame_path  # of a video, what is used of it
        small = rooted(last) if last else url_for("web.thumbnail", key=found.key)
        return cls(found.id, small)


def ids_in(texts: Iterable[str]) -> tuple[str, ...]:
    """The well-formed ids among *texts*, without duplicates."""
    found = dict.fromkeys(text for text in texts if ID.fullmatch(text))
    return tuple(found)[:MAX_SHOWN]


def contents_of(files: Iterable[FileStorage]) -> tuple[bytes, ...]:
    """The bytes of a form's uploads; browsers send an empty file for an empty field."""
    return tuple(
        content for file in files if file.filename and (content := file.stream.read())
    )


def usable_inputs(principal: Principal, ids: Iterable[str]) -> list[FormInput]:
    """The inputs that exist and that the principal may use, in order."""
    found: list[FormInput] = []
    for each in ids:
        try:
            named = inputs.find_inputs(principal, [each], user_id=principal.user_id)
            found += map(FormInput.of, named)
        except Invalid:
            continue
    return found


def store_uploads(
    principal: Principal, contents: Iterable[bytes]
) -> tuple[tuple[str, ...], list[str]]:
    """
    Store the uploads of a rejected form: browsers do not send files again.

    Returns:
        The ids of those that were stored, and messages about the others.
    """
    stored: list[str] = []
    wrong: list[str] = []
    for content in contents:
        try:
            upload = inputs.upload(
                principal, principal.user_id, content, field="images"
            )
        except REFUSALS as error:
            wrong += reasons(error)
        else:
            stored.append(upload.id)
    return tuple(stored), list(dict.fromkeys(wrong))


def shown_form() -> str:
    """The type of the form on htmx's page: ``image`` or ``video``."""
    query = parse_qs(urlsplit(request.headers.get("HX-Current-URL", "")).query)
    return VIDEO if query.get("make") == [VIDEO] else "image"


@bp.post("/inputs")
@accepts_pictures
def give() -> ResponseReturnValue:
    """Store one uploaded picture; answer with its partial for the form."""
    contents = contents_of(request.files.getlist("file"))[:1]
    try:
        if not contents:
            raise Invalid.field("file", "refused.unknown")
        upload = inputs.upload(
            g.principal, g.principal.user_id, contents[0], field="file"
        )
    except REFUSALS as error:
        return refused(" ".join(reasons(error)), error, PLAIN)
    small = url_for("web.input_thumbnail", upload_id=upload.id)
    return render_template(
        "create/_input.html", picture=FormInput(upload.id, small)
    ), 201


@bp.get("/composer/pictures/<picture_id>")
def reference(picture_id: str) -> ResponseReturnValue:
    """A generated picture as an input of the form for pictures."""
    if shown_form() == VIDEO:
        return "", 200, {"HX-Redirect": url_for(".index", image=picture_id)}
    found = picture_details.find_picture(g.principal, picture_id)
    return render_template("create/_input.html", picture=FormInput.of_output(found))


@bp.get("/composer/pictures")
def references() -> str:
    """The inputs that still exist, as partials for a form restored by its script."""
    wanted = ids_in(request.args.getlist("image"))
    found = usable_inputs(g.principal, wanted)
    return "".join(
        render_template("create/_input.html", picture=each) for each in found
    )


@bp.get("/inputs/<upload_id>")
@sends_picture
def input_picture(upload_id: str) -> Response:
    """An input as stored, for its owner alone."""
    found, content = inputs.content_of(g.principal, upload_id)
    etag = found.sha256 or found.id
    return private(file_response(content, found.content_type, etag=etag), found)


@bp.get("/inputs/<upload_id>/thumb")
@sends_picture
def input_thumbnail(upload_id: str) -> Response:
    """The thumbnail of an input; a conditional request does not render it again."""
    found = inputs.find(g.principal, upload_id)
    if found.sha256 and found.sha256 in request.if_none_match:
        return private(Response(status=304), found)
    small = input_shrunk_to(g.principal, upload_id, THUMBNAIL_PX)
    return private(Response(small.content, content_type=small.content_type), found)


def input_shrunk_to(
    principal: Principal, upload_id: str, side_px: int
) -> pictures.FittedPicture:
    """
    Raises:
        UploadNotFound: the upload is gone, or cannot be shrunk.
    """
    found, content = inputs.content_of(principal, upload_id)
    try:
        return pictures.fit(
            content.read(),
            user=found.user_id,
            max_waiting=MAX_SHOWN,
            side=side_px,
            pixels=side_px**2,
            most=MAX_THUMBNAIL_BYTES,
            exact=False,
        )
    except PictureInvalid as error:
        raise UploadNotFound(f"no thumbnail of {upload_id}") from error


def private(response: Response, found: Input) -> Response:
    """Keep the response out of shared caches, and revalidate it on each use."""
    response.set_etag(found.sha256 or found.id)
    response.headers["Cache-Control"] = "private, no-cache"
    response.headers["Content-Security-Policy"] = STANDALONE_CSP
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    return response

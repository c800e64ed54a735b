"""Input pictures in the form: uploaded, shown to their owner, checked by the model."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from flask import Response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import FileStorage

from jimeng import inputs, pictures
from jimeng.documents import Input
from jimeng.documents.principal import Principal
from jimeng.errors import Invalid, PictureInvalid, QueueUnavailable
from jimeng.errors.inputs import ServerBusy, TooManyUploads, UploadNotFound, UploadsFull
from jimeng.gallery import picture_details
from jimeng.http import auth
from jimeng.http.request_bodies import MAX_PICTURE_BODY_BYTES, accepts_pictures
from jimeng.http.responses import file_response
from jimeng.i18n import reasons, t
from jimeng.inputs import Named
from jimeng.providers import Model
from jimeng.web import bp, refused
from jimeng.web.create.options import ModelOption
from jimeng.web.pictures.files import ALONE


@dataclass(frozen=True)
class Tray:
    """
    Attributes:
        model: The one that is chosen; None if there is none.
        count: How many pictures stand in the form.
        models: All that the form offers.
    """

    model: Model | None
    count: int
    models: Sequence[ModelOption]

    @property
    def together(self) -> int:
        """Mebibytes that a form may have without a script, with all its files."""
        return MAX_PICTURE_BODY_BYTES // 2**20

    @property
    def most(self) -> int:
        """Pictures that the model takes."""
        takes = self.model.takes_here if self.model else None
        return takes.most if takes else 0

    @property
    def least(self) -> int:
        takes = self.model.takes_here if self.model else None
        return takes.least if takes else 0

    @property
    def why_not(self) -> str:
        """Why the model takes none, in words."""
        lacks = self.model.lacks if self.model and self.model.takes else None
        return t(f"lacks.{lacks}") if lacks else t("given.cannot")

    @property
    def state(self) -> str:
        """What there is to say: ``none``, ``cannot``, ``many`` or ``few``."""
        if self.count and not self.most:
            return "cannot"
        if self.count > self.most:
            return "many"
        return "few" if self.count < self.least else "none"

    @property
    def instead(self) -> ModelOption | None:
        """
        A model that takes as many: rather one that draws from words, too, and as many
        of those as there may be. Where there is none, the one that takes the most.
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


MAX_SHOWN = 20  # pictures in a form: more than any model takes
SMALL, SMALL_BYTES = 320, 200_000  # pixels of a thumbnail's longer side, its bytes
PLAIN = {"Content-Type": "text/plain; charset=utf-8"}
ID = re.compile(r"[A-Za-z0-9_-]{1,80}", re.ASCII)
REFUSALS = (Invalid, TooManyUploads, UploadsFull, ServerBusy, QueueUnavailable)


@dataclass(frozen=True)
class Given:
    """
    A picture that stands in a form.

    Attributes:
        id: By which a task names it.
        small: The address of its thumbnail.
    """

    id: str
    small: str

    @classmethod
    def of(cls, named: Named) -> "Given":
        if named.picture is not None:
            small = url_for("web.thumbnail", key=named.picture.key)
        else:
            small = url_for("web.given_thumbnail", upload_id=str(named.text))
        return cls(str(named.text), small)


def ids_in(texts: Iterable[str]) -> tuple[str, ...]:
    """The ids among *texts*, each once: a form names nothing else."""
    found = dict.fromkeys(text for text in texts if ID.fullmatch(text))
    return tuple(found)[:MAX_SHOWN]


def contents_of(files: Iterable[FileStorage]) -> tuple[bytes, ...]:
    """The bytes of a form's files; a field without one is sent as an empty file."""
    return tuple(
        content for file in files if file.filename and (content := file.stream.read())
    )


def there(principal: Principal, ids: Iterable[str]) -> list[Given]:
    """Those of the pictures that the viewer may use, in order."""
    found: list[Given] = []
    for each in ids:
        try:
            found += map(Given.of, inputs.look_up(principal, [each]))
        except Invalid:
            continue
    return found


def keep(
    principal: Principal, contents: Iterable[bytes]
) -> tuple[tuple[str, ...], list[str]]:
    """
    Store the files of a form that was refused: browsers do not send them again.

    Returns:
        Their ids, and what is to be said of those that are not kept.
    """
    kept: list[str] = []
    wrong: list[str] = []
    for content in contents:
        try:
            made = inputs.upload(principal, principal.user_id, content, field="images")
        except REFUSALS as error:
            wrong += reasons(error)
        else:
            kept.append(made.id)
    return tuple(kept), list(dict.fromkeys(wrong))


@bp.post("/inputs")
@accepts_pictures
def give() -> ResponseReturnValue:
    """Take one picture in; the answer is what the form shows of it."""
    principal = auth.principal_of_page()
    contents = contents_of(request.files.getlist("file"))[:1]
    try:
        if not contents:
            raise Invalid.field("file", "refused.unknown")
        made = inputs.upload(principal, principal.user_id, contents[0], field="file")
    except REFUSALS as error:
        return refused(" ".join(reasons(error)), error, PLAIN)
    small = url_for("web.given_thumbnail", upload_id=made.id)
    return render_template("create/_given.html", picture=Given(made.id, small)), 201


@bp.get("/composer/pictures/<picture_id>")
def reference(picture_id: str) -> ResponseReturnValue:
    """A picture that was drawn here, as the form shows those that go in."""
    found = picture_details.find_picture(auth.principal_of_page(), picture_id)
    small = url_for("web.thumbnail", key=found.key)
    return render_template("create/_given.html", picture=Given(found.id, small))


@bp.get("/composer/pictures")
def references() -> str:
    """Those of the pictures that are there, as the form shows them: it was left."""
    wanted = ids_in(request.args.getlist("image"))
    found = there(auth.principal_of_page(), wanted)
    return "".join(
        render_template("create/_given.html", picture=each) for each in found
    )


@bp.get("/inputs/<upload_id>")
def given_picture(upload_id: str) -> Response:
    """A picture that was given, as it is kept: for its owner alone."""
    found, content = inputs.content_of(auth.principal_of_page(), upload_id)
    return private(file_response(content, found.bytes, found.content_type), found)


@bp.get("/inputs/<upload_id>/thumb")
def given_thumbnail(upload_id: str) -> Response:
    """The same, small; asked for again it is not made again."""
    found = inputs.find(auth.principal_of_page(), upload_id)
    if found.sha256 and found.sha256 in request.if_none_match:
        return private(Response(status=304), found)
    found, content = inputs.content_of(auth.principal_of_page(), upload_id)
    with content:
        whole = content.read()
    try:
        small = pictures.fit(
            whole,
            user=found.user_id,
            max_waiting=MAX_SHOWN,
            side=SMALL,
            pixels=SMALL**2,
            most=SMALL_BYTES,
            exact=False,
        )
    except PictureInvalid as error:
        raise UploadNotFound(f"no thumbnail of {upload_id}") from error
    return private(Response(small.content, content_type=small.content_type), found)


def private(response: Response, found: Input) -> Response:
    """Nobody else's, nor whoever uses the browser next: it is asked for each time."""
    response.set_etag(found.sha256 or found.id)
    response.headers["Cache-Control"] = "private, no-cache"
    response.headers["Content-Security-Policy"] = ALONE
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    return response

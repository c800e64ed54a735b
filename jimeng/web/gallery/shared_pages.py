"""
The public pages of a share: its overview, each picture large, and the files.

Visitors do not sign in, and do not see who shares. The files have URLs below that of
the share; browsers cache them for a minute, so they may outlive it by that much.
"""

from dataclasses import dataclass

from flask import Response, render_template, request, url_for
from flask.typing import ResponseReturnValue

from jimeng.documents import Image
from jimeng.gallery import shared_pages, shares
from jimeng.gallery.downloads import file_name_of
from jimeng.gallery.shared_pages import Visit
from jimeng.http.request_kinds import sends_picture
from jimeng.http.responses import absolute, content_disposition
from jimeng.i18n import t
from jimeng.pictures.contents import InMemory
from jimeng.web import bp, public
from jimeng.web.create.aspect_ratios import srcset_of
from jimeng.web.pictures.files import send, send_whole

PAGE = 60  # pictures
SHORT_CACHE = "public, max-age=60"
UNLISTED = "noindex, nofollow, noimageindex"
# File -> the field with its storage id, and its content type.
SMALL = {
    "thumb.webp": ("thumbnail_id", "image/webp"),
    "preview.jpg": ("preview_id", "image/jpeg"),
}


@dataclass(frozen=True)
class SharedPicture:
    """
    A picture as visitors see it.

    Attributes:
        number: Its number on this page, from 1; 0 where it is shown alone.
    """

    visit: Visit
    image: Image
    number: int = 0

    @property
    def name(self) -> str:
        return shares.name_of(self.visit.share, self.image)

    @property
    def prompt(self) -> str:
        return self.visit.prompt(self.image)

    @property
    def alt(self) -> str:
        """Its alternative text."""
        unnamed = "shared.video" if self.image.is_video else "shared.picture"
        title = self.prompt or self.visit.title or t(unnamed)
        return title if not self.number or self.prompt else f"{title} {self.number}"

    @property
    def url(self) -> str:
        """The URL of its page."""
        return url_for("web.shared_picture", token=self._token, name=self.name)

    @property
    def whole(self) -> str:
        return self.file(f"picture.{self.image.suffix}")

    @property
    def still(self) -> str:
        """The picture itself, or what a video shows until it is played."""
        if not self.image.is_video:
            return self.whole
        return self.file("preview.jpg") if self.image.preview_id else self.thumbnail

    @property
    def video(self) -> str:
        """The absolute URL of the video, which messengers load."""
        return absolute(self.whole)

    @property
    def download(self) -> str:
        return f"{self.whole}?download=1"

    @property
    def thumbnail(self) -> str:
        return self.file("thumb.webp")

    @property
    def srcset(self) -> str:
        return srcset_of(self.image, self.thumbnail, self.file("preview.jpg"))

    @property
    def card(self) -> str:
        """The absolute URL of its preview card, which messengers load."""
        return absolute(self.file("card.jpg"))

    @property
    def card_size(self) -> tuple[int, int]:
        return shared_pages.card_size(self.image)

    def file(self, file: str) -> str:
        token = self._token
        return url_for("web.shared_file", token=token, name=self.name, file=file)

    @property
    def _token(self) -> str:
        return self.visit.share.token


@bp.get("/s/<token>")
@public
def shared(token: str) -> Response:
    """The shared pictures of a collection, or the one shared picture."""
    visit, cursor = shared_pages.visit(token), request.args.get("from")
    page = shared_pages.open_page(visit, cursor=cursor, limit=PAGE)
    if visit.collection is None:
        return large(SharedPicture(visit, page.rows[0]))
    pictures = [SharedPicture(visit, image, n) for n, image in enumerate(page.rows, 1)]
    return unlisted(
        render_template(
            "sharing/page.html",
            visit=visit,
            pictures=pictures,
            hits=visit.hits,
            next_cursor=page.next_cursor,
            is_first=cursor is None,
            url=absolute(url_for(".shared", token=token)),
        )
    )


@bp.get("/s/<token>/<name>")
@public
def shared_picture(token: str, name: str) -> Response:
    """One shared picture, large."""
    visit = shared_pages.visit(token)
    return large(SharedPicture(visit, shared_pages.picture_by_name(visit, name)))


def large(picture: SharedPicture) -> Response:
    visit = picture.visit
    newer, older = shared_pages.neighbours(visit, picture.image)
    return unlisted(
        render_template(
            "sharing/picture.html",
            visit=visit,
            picture=picture,
            newer=newer,
            older=older,
            url=absolute(request.path),
        )
    )


def unlisted(page: str) -> Response:
    """A response that search engines must not index."""
    response = Response(page)
    response.headers["X-Robots-Tag"] = UNLISTED
    return response


@bp.get("/s/<token>/<name>/<file>")
@sends_picture
@public
def shared_file(token: str, name: str, file: str) -> ResponseReturnValue:
    """A file of a picture: as stored, small, or as a preview card."""
    visit = shared_pages.visit(token)
    image = shared_pages.picture_by_name(visit, name)
    if file == f"picture.{image.suffix}":
        return whole(SharedPicture(visit, image))
    if file == "card.jpg" and not image.preview_id:
        card = shared_pages.card(image)
        etag = f"{image.sha256}-card"
        return cached_briefly(send(InMemory(card), "image/jpeg", etag=etag))
    field, content_type = SMALL.get(file.replace("card", "preview"), ("", ""))
    content = shared_pages.content(image, field)
    etag = f"{image.sha256}-{file}"
    return cached_briefly(send(content, content_type, etag=etag))


def whole(picture: SharedPicture) -> Response:
    image = picture.image
    content = shared_pages.content(image)
    response = send_whole(image, content, etag=image.sha256)
    response.headers["Content-Disposition"] = content_disposition(
        f"jimeng-{picture.name}.{image.suffix}",
        f"{file_name_of(picture.prompt or picture.visit.title)}.{image.suffix}",
        kind="attachment" if request.args.get("download") == "1" else "inline",
    )
    return cached_briefly(response)


def cached_briefly(response: Response) -> Response:
    """Let browsers cache the response for a minute only."""
    response.headers["Cache-Control"] = SHORT_CACHE
    response.headers["X-Robots-Tag"] = UNLISTED
    return response

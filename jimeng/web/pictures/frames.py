"""Frames of a video: one becomes an upload, to be edited or to begin the next video."""

from flask import g, redirect, request, url_for
from flask.typing import ResponseReturnValue

from jimeng import inputs
from jimeng.documents.kinds import VIDEO
from jimeng.errors import ImageNotFound, Invalid
from jimeng.gallery import picture_details
from jimeng.pictures import video_decoder
from jimeng.tasks.queries import file_of
from jimeng.web import bp

MAX_MS = 3_600_000  # far beyond the longest video


@bp.post("/pictures/<picture_id>/frame")
def take_frame(picture_id: str) -> ResponseReturnValue:
    """
    Store the frame at ``at`` milliseconds as an upload, and lead to its stage; without
    ``at`` the last one, and lead to the form of the video that continues with it.
    """
    principal = g.principal
    video = picture_details.find_picture(principal, picture_id)
    if not video.is_video:
        raise ImageNotFound(f"{picture_id} is no video")
    at_ms = moment_of(request.form.get("at", ""))
    upload = inputs.upload(
        *(principal, principal.user_id),
        lambda: video_decoder.frame(file_of(video), at_ms, user=principal.user_id),
        field="at",
        video=video.id if at_ms is None else None,
    )
    if at_ms is not None:
        return redirect(url_for(".input_stage", upload_id=upload.id), 303)
    linked = {"first_frame": upload.id, "continues": video.id}
    return redirect(url_for(".index", make=VIDEO, **linked), 303)


def moment_of(text: str) -> int | None:
    """
    Raises:
        Invalid: it is neither empty nor a number of milliseconds.
    """
    if not text:
        return None
    if not text.isdecimal() or int(text) > MAX_MS:
        raise Invalid.field("at", "invalid.range", min=0, max=MAX_MS)
    return int(text)

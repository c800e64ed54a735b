"""A picture's page, its inputs, and the actions on it."""

from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from flask import g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from jimeng import inputs, tasks
from jimeng.documents import Collection, Image, Input, Share, Task
from jimeng.documents.principal import Principal
from jimeng.errors import ImageNotFound, JimengError, TaskNotFound
from jimeng.errors.inputs import UploadNotFound
from jimeng.gallery import collections, picture_details, shares, trash
from jimeng.gallery.picture_details import PictureRecord
from jimeng.http import auth
from jimeng.http.request_kinds import polled, submits
from jimeng.http.requests import accepts_pictures
from jimeng.http.responses import absolute, rooted
from jimeng.web import bp, is_htmx, refused
from jimeng.web.create.form_tokens import REFUSALS, new_token
from jimeng.web.gallery.browsing import notice
from jimeng.web.gallery.filters import Filters
from jimeng.web.pictures.code_samples import CodeSample, code_samples
from jimeng.web.pictures.edits import Edit
from jimeng.web.site.formats import zone
from jimeng.web.site.preferences import own_path
from jimeng.web.tasks.cards import Card, cards_of, poll_interval_s
from jimeng.web.tasks.titles import OfTask


@dataclass(frozen=True)
class Source:
    """
    Attributes:
        small: The URL of its thumbnail.
        whole: The URL of the file.
        alt: Its alternative text; empty for an upload.
        stage: The URL of the stage on which an upload is edited.
        is_picture: Whether it was generated here, so that it is part of the family.
    """

    small: str
    whole: str
    alt: str = ""
    stage: str = ""
    is_picture: bool = False


def sources_of(task: Task) -> list[Source]:
    """The inputs that the principal may see, in order, without the mask."""
    named = task.made_from or []
    found = map(source_of, named[: len(named) - bool(task.has_mask)])
    return [each for each in found if each is not None]


def edited_picture(task: Task) -> str:
    """The id of the picture that the task is an edit of; empty for others."""
    return (task.made_from or [{}])[0].get("picture", "")


def source_of(named: dict) -> Source | None:
    """An input: the picture it was chosen from while that exists, else its copy."""
    principal = auth.principal_of_page()
    try:
        if "picture" in named:
            return source_of_picture(
                picture_details.find_picture(principal, named["picture"])
            )
    except ImageNotFound:
        pass  # its copy is stored as long as the task
    try:
        upload = inputs.find(principal, named["input"])
    except UploadNotFound:
        return None
    small = url_for("web.input_thumbnail", upload_id=upload.id)
    whole = url_for("web.input_picture", upload_id=upload.id)
    stage = url_for("web.input_stage", upload_id=upload.id)
    return Source(small, whole, stage=stage)


def source_of_picture(image: Image) -> Source:
    return Source(
        url_for("web.thumbnail", key=image.key),
        rooted(image.last_frame_path or image.still_path),
        alt=image.prompt,
        is_picture=True,
    )


@dataclass(frozen=True)
class Step:
    """
    A step in a picture's history.

    Attributes:
        name: Its message key is ``step.<name>``.
        seconds: Since the previous step; None for the first.
    """

    name: str
    moment: datetime
    seconds: float | None


@dataclass(frozen=True)
class PicturePage(OfTask):
    """
    The view model of the page.

    Attributes:
        among: The filters of the list that it was opened from.
        other: The picture that the query names to compare it with.
    """

    record: PictureRecord
    edit: Edit
    among: Filters = field(default_factory=Filters)
    other: Image | None = None

    @property
    def shelf(self) -> Collection | None:
        """The collection that it was opened from."""
        inside = (each for each in self.collections if each.id == self.among.collection)
        return next(inside, None)

    @cached_property
    def sources(self) -> list[Source]:
        """Its inputs that still exist, without the mask."""
        return sources_of(self.task)

    @property
    def before(self) -> Source | None:
        """The picture that it is an edit of."""
        return self.sources[0] if len(self.sources) == 1 else None

    @property
    def compared(self) -> Source | None:
        """The picture to compare with: named, else its source, else of its family."""
        if self.other is not None:
            return source_of_picture(self.other)
        mine = self.record.image.id
        others = (i for card in self.family for i in card.images if i.id != mine)
        return self.before or next(map(source_of_picture, others), None)

    @cached_property
    def family(self) -> list[Card]:
        """The tasks of the strip: what it was edited from, itself, and all edits."""
        return cards_of(picture_details.family(auth.principal_of_page(), self.task))

    @property
    def continues(self) -> bool:
        """Whether it is a video that continues another one, which still exists."""
        principal = auth.principal_of_page()
        return (
            self.record.image.is_video
            and picture_details.clip_before(principal, self.task) is not None
        )

    @property
    def wait(self) -> float | None:
        """Seconds until the strip asks for itself again; None if all has ended."""
        return poll_interval_s(self.family)

    @property
    def ended(self) -> list[Card]:
        """The edits that were unfinished in the strip that the page shows."""
        before = request.values.getlist("open")
        return [c for c in self.family if c.task.id in before and not c.is_open]

    @property
    def arrived(self) -> str:
        """
        The URL of the newest edit that has just ended, of the picture shown or of that
        which it was made from; empty if there is none.
        """
        here = {self.record.image.id, edited_picture(self.task)} - {""}
        new = [c for c in self.ended if c.images and edited_picture(c.task) in here]
        return self.among.picture_url(new[-1].images[0].id) if new else ""

    @property
    def url(self) -> str:
        """The URL of its page, with the filters."""
        return self.among.picture_url(self.record.image.id)

    @property
    def edit_url(self) -> str:
        """Where its edit forms are sent."""
        values: dict = self.among.query
        image = self.record.image
        return url_for("web.edit_picture", picture_id=image.id, **values)

    @property
    def is_mine(self) -> bool:
        """Whether the principal owns it."""
        return self.record.image.user_id == auth.principal_of_page().user_id

    @cached_property
    def collections(self) -> list[Collection]:
        """The principal's collections that contain it."""
        inside = set(self.record.image.collections)
        if not inside or not self.is_mine:
            return []
        mine = collections.find_all(auth.principal_of_page())
        return [each for each in mine if each.id in inside]

    @cached_property
    def share(self) -> Share | None:
        """The share of this picture."""
        return shares.of_target(auth.principal_of_page(), self.record.image.id)

    @property
    def task(self) -> Task:
        return self.record.task

    @property
    def cost_micros(self) -> int | None:
        """Its cost in micro-yuan; None if unknown."""
        return self.task.cost_of(self.record.image.index)

    @property
    def sent_prompt(self) -> str | None:
        """The prompt as sent to the provider, if it differs from the entered one."""
        sent = self.task.prompt
        return None if sent == self.prompt else sent

    @property
    def link(self) -> str:
        """The public URL of the file."""
        return absolute(rooted(self.record.image.path))

    @property
    def token(self) -> str:
        return new_token()

    @property
    def remote_ids(self) -> list[str]:
        generation = self.record.generation
        return list(generation.remote_ids) if generation else []

    @property
    def steps(self) -> list[Step]:
        """Its history from the request to the stored picture, as far as known."""
        task, generation = self.task, self.record.generation
        moments = [("asked", task.created_at)]
        if generation is not None:
            moments += [
                ("sent", generation.sent_at),
                ("generated", generation.drawn_at),
            ]
        moments.append(("saved", self.record.image.created_at))
        steps: list[Step] = []
        for name, moment in moments:
            if moment is None:
                continue
            since = (moment - steps[-1].moment).total_seconds() if steps else None
            steps.append(Step(name, moment, since))
        return steps

    @property
    def seconds(self) -> float:
        """From the request to the stored picture."""
        return (self.steps[-1].moment - self.steps[0].moment).total_seconds()

    @property
    def needs_key(self) -> bool:
        return auth.needs_sign_in()

    @property
    def code_samples(self) -> list[CodeSample]:
        return code_samples(self.record, absolute(""), with_key=self.needs_key)


def find_with_filters(
    principal: Principal, picture_id: str
) -> tuple[PictureRecord, Filters]:
    """Find a picture, with the filters of the list that it was opened from."""
    among = Filters.read(request.args)
    wanted = among.wanted(zone()) if among.query else None
    return picture_details.picture(principal, picture_id, wanted), among


@bp.get("/pictures/<picture_id>")
def picture(picture_id: str) -> ResponseReturnValue:
    """
    One picture on the stage: as a page, or for htmx the stage alone, which lies over
    the list that it was opened from. With ``again``, the form of one of its edits.
    """
    record, among = find_with_filters(g.principal, picture_id)
    page = PicturePage(
        record, edit_again(g.principal, record.image), among, other_picture(g.principal)
    )
    if is_htmx():
        return render_template("pictures/_stage.html", page=page)
    values = notice() if "done" in request.args else {}
    return render_template("pictures/show.html", page=page, **values)


def other_picture(principal: Principal) -> Image | None:
    """The picture that the query names to compare with; None if it is gone."""
    try:
        return picture_details.find_picture(principal, request.args["with"])
    except (KeyError, ImageNotFound):
        return None


def edit_again(principal: Principal, image: Image | Input) -> Edit:
    """The edit form, filled from the task that the query names."""
    try:
        return Edit.from_task(image, tasks.find(principal, request.args["again"]))
    except (KeyError, TaskNotFound):
        return Edit(image)


@bp.get("/pictures/<picture_id>/family")
@polled
def family(picture_id: str) -> ResponseReturnValue:
    """The strip of the stage, as long as an edit is unfinished, and what has ended."""
    record, among = find_with_filters(g.principal, picture_id)
    page = PicturePage(record, Edit(record.image), among)
    return render_template("pictures/_strip.html", page=page)


@bp.post("/pictures/<picture_id>/edit")
@accepts_pictures
@submits
def edit_picture(picture_id: str) -> ResponseReturnValue:
    """Create an edit of it; it lands in the strip, or redirect to the new task."""
    record, among = find_with_filters(g.principal, picture_id)
    form = Edit.from_form(record.image, request.form, request.files)
    try:
        task = form.submit(g.principal)
    except REFUSALS as error:
        page = PicturePage(record, form.rejected(error, g.principal), among)
        return refused_edit("pictures/show.html", page, error)
    if is_htmx():
        page = PicturePage(record, Edit(record.image, act=form.act), among)
        return render_template("pictures/_sent.html", page=page)
    return redirect(url_for(".task", task_id=task.id), 303)


def refused_edit(
    template: str, page: "PicturePage | InputPage", error: JimengError
) -> ResponseReturnValue:
    """The errors of an edit: for htmx in its form, else as the whole page."""
    if not is_htmx():
        return refused(render_template(template, page=page), error)
    name = f"#said-{page.edit.act}"
    part = {"HX-Retarget": name, "HX-Reselect": name, "HX-Reswap": "outerHTML"}
    said = render_template("pictures/_said.html", edit=page.edit)
    return refused(said, error, part)


@dataclass(frozen=True)
class InputPage:
    """The view model of an upload's stage."""

    edit: Edit

    @property
    def source(self) -> Source | None:
        return source_of({"input": self.edit.image.id})

    @property
    def edit_url(self) -> str:
        return url_for("web.edit_input", upload_id=self.edit.image.id)


def find_upload(principal: Principal, upload_id: str) -> Input:
    """
    Raises:
        UploadNotFound: no such upload, another user's, or not decoded yet.
    """
    found = inputs.find(principal, upload_id)
    if not (found.width and found.height):
        raise UploadNotFound(f"upload {found.id} is not ready")
    return found


@bp.get("/inputs/<upload_id>/edit")
def input_stage(upload_id: str) -> str:
    """An upload on the stage, to be edited. With ``again``, as one of its edits was."""
    page = InputPage(edit_again(g.principal, find_upload(g.principal, upload_id)))
    return render_template("pictures/input.html", page=page)


@bp.post("/inputs/<upload_id>/edit")
@accepts_pictures
@submits
def edit_input(upload_id: str) -> ResponseReturnValue:
    """Create an edit of an upload, and lead to the new task."""
    found = find_upload(g.principal, upload_id)
    form = Edit.from_form(found, request.form, request.files)
    try:
        task = form.submit(g.principal)
    except REFUSALS as error:
        page = InputPage(form.rejected(error, g.principal))
        return refused_edit("pictures/input.html", page, error)
    where = url_for(".task", task_id=task.id)
    return ("", 200, {"HX-Redirect": where}) if is_htmx() else redirect(where, 303)


@bp.post("/pictures/<picture_id>/favourite")
def favourite(picture_id: str) -> ResponseReturnValue:
    """Mark or unmark the picture as a favourite; idempotent."""
    picture_details.find_picture(g.principal, picture_id)
    picture_details.set_favourite(
        g.principal, [picture_id], request.form.get("on") == "1"
    )
    if not is_htmx():
        # Scroll back to the button: the page may be long.
        back = own_path(request.form.get("next", "")).partition("#")[0]
        return redirect(f"{back}#favourite-{picture_id}", 303)
    image = picture_details.find_picture(g.principal, picture_id)
    name, with_key = "pictures/_favourite.html", "with_key" in request.form
    switch = render_template(name, image=image, with_key=with_key)
    if with_key:  # the list under the stage has one of its own
        switch += render_template(name, image=image, oob=True)
    return switch


@bp.post("/pictures/<picture_id>/link")
def replace_link(picture_id: str) -> ResponseReturnValue:
    """Replace the public link; the old one stops working."""
    picture_details.replace_link(g.principal, picture_id)
    return redirect(url_for(".picture", picture_id=picture_id) + "#share", 303)


@bp.post("/pictures/<picture_id>/delete")
def delete_picture(picture_id: str) -> ResponseReturnValue:
    """Move the picture to the trash, and show the next one, with undo."""
    record, among = find_with_filters(g.principal, picture_id)
    trash.trash_pictures(g.principal, [picture_id])
    neighbour = record.older or record.newer
    if neighbour is None:
        where = url_for(".task", task_id=record.task.id, deleted=picture_id)
    else:
        where = among.picture_url(neighbour, deleted=picture_id)
    return redirect(where, 303)

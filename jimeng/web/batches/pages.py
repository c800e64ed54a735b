"""Batch pages: create, follow, cancel, retry and delete batches."""

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

from flask import g, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from jimeng import batches
from jimeng.batches import queries
from jimeng.errors import MayBeChargedTwice, NoProvider
from jimeng.errors.batches import BatchFinished, BatchNotRetryable, TooManyBatches
from jimeng.http import auth
from jimeng.http.request_kinds import polled
from jimeng.http.requests import MAX_BODY_BYTES, accepts_pictures
from jimeng.web import bp, is_htmx, refused, reload_page
from jimeng.web.batches.form import BatchForm
from jimeng.web.batches.views import grid_of, shelf_of, views_of
from jimeng.web.create import form_tokens
from jimeng.web.create.form import Composer
from jimeng.web.create.initial import store_used_settings
from jimeng.web.site.formats import day_of, start_of, zone
from jimeng.web.site.forms import accepts_double_charge

PAGE = 20  # batches on a page of the list
REFUSALS = (*form_tokens.REFUSALS, NoProvider, TooManyBatches)


def submitted_form() -> BatchForm:
    """Read the submitted form, which may be larger than others."""
    request.max_form_memory_size = MAX_BODY_BYTES
    return BatchForm.from_form(request.form, request.files)


@bp.get("/batches/new")
def new_batch() -> ResponseReturnValue:
    """The form: empty, as a link describes it, or as submitted for ``batch``."""
    again = request.args.get("batch")
    if again is not None:
        form = BatchForm.from_batch(batches.find(g.principal, again, whole=True))
    else:
        form = BatchForm.initial()
    return show_form(form.with_estimate(g.principal))


def show_form(form: BatchForm) -> str:
    return render_template("batches/new.html", batch=form, form=form.settings)


@bp.post("/batches/preview")
@accepts_pictures
def preview_batch() -> ResponseReturnValue:
    """Estimate the batch; answer with the preview partial, or the whole page."""
    form = (
        submitted_form()
        .with_stored_files(g.principal, request.form.get("remove"))
        .with_estimate(g.principal)
    )
    if is_htmx():
        part = "batches/_preview.html"
        return render_template(part, batch=form, form=form.settings, oob=True)
    return show_form(form)


@bp.post("/batches/offer")
def offer_batch() -> str:
    """
    What the prompt of the Create form makes as a batch: a partial, empty if that is a
    single picture.
    """
    form = Composer.from_form(request.form, MultiDict())
    return render_template(
        "batches/_offer.html",
        form=form,
        batch=batch_of_choices(form),
        lines=BatchForm.of_lines(form).with_estimate(g.principal),
        oob=True,
    )


@bp.app_template_global()
def batch_of_choices(form: Composer) -> BatchForm:
    """The batch that the main button makes of a prompt with alternatives."""
    return BatchForm.of_choices(form).with_estimate(auth.principal_of_page())


@bp.post("/batches/new")
@accepts_pictures
def create_batch() -> ResponseReturnValue:
    """Create the batch, and redirect to its page."""
    form = submitted_form()
    try:
        new = form.request(g.principal)
        form = replace(form, estimate=batches.estimate(g.principal, new))
        form.check_confirmed()
        new_batch, _ = batches.create(
            g.principal, new, idem_key=form_tokens.token_of(request.form)
        )
    except REFUSALS as error:
        return refused(
            show_form(form.with_stored_files(g.principal).rejected(error)), error
        )
    response = make_response(
        redirect(url_for(".batch", batch_id=new_batch.id, made=1), 303)
    )
    if not new_batch.inputs:
        store_used_settings(response, request.form)
    return response


@bp.get("/batches", endpoint="batches")
def batch_list() -> ResponseReturnValue:
    """The user's batches by status and days, newest first; invalid ones are ignored."""
    principal, query, where = g.principal, request.args, zone()
    status = query.get("status")
    since, until = (day_of(query.get(name, "")) for name in ("from", "to"))
    wanted = {
        "status": status if status in queries.MAY_BE else None,
        "from": since and since.isoformat(),
        "to": until and until.isoformat(),
    }
    page = batches.page(
        principal,
        principal.user_id,
        limit=PAGE,
        cursor=query.get("cursor"),
        status=[wanted["status"]] if wanted["status"] else (),
        created_after=start_of(since, where) if since else None,
        created_before=start_of(until + timedelta(days=1), where) if until else None,
    )
    return render_template(
        "batches/index.html",
        views=views_of(principal, page.rows),
        next_cursor=page.next_cursor,
        wanted={name: value for name, value in wanted.items() if value},
        states=(None, *queries.MAY_BE),
    )


@bp.get("/batches/<batch_id>")
def batch(batch_id: str) -> ResponseReturnValue:
    """One batch: its progress, failures, and finished pictures."""
    found = batches.find(g.principal, batch_id)
    shelf = shelf_of(g.principal, found, request.args.get("cursor"))
    if is_htmx() and shelf.cursor:
        return render_template("batches/_pictures.html", shelf=shelf)
    view = views_of(g.principal, [found], whole=True)[0]
    return render_template("batches/show.html", view=view, shelf=shelf)


@bp.get("/batches/<batch_id>/now")
@polled
def batch_now(batch_id: str) -> ResponseReturnValue:
    """The changes since the page's last poll, with the new pictures."""
    found = batches.find(g.principal, batch_id)
    view = views_of(g.principal, [found], whole=True)[0]
    if view.mark == request.args.get("mark"):
        return "", 204
    fresh = queries.pictures_since(g.principal, found, request.args.get("since"))
    if fresh.next_cursor:
        return reload_page()  # a computer that slept: the page loads them as it scrolls
    grid = grid_of(g.principal, found, fresh.rows)
    return render_template(
        "batches/_now.html", view=view, fresh=fresh, grid=grid, oob=True
    )


@bp.get("/batches/<batch_id>/card")
@polled
def batch_card(batch_id: str) -> ResponseReturnValue:
    """One batch as a card of the feed."""
    view = views_of(g.principal, [batches.find(g.principal, batch_id)])[0]
    if view.mark == request.args.get("mark"):
        return "", 204
    return render_template("batches/_card.html", view=view, oob=True)


@bp.post("/batches/<batch_id>/cancel")
def cancel_batch(batch_id: str) -> ResponseReturnValue:
    """Cancel the unfinished tasks; a batch that has just ended is shown unchanged."""
    with suppress(BatchFinished):
        batches.cancel(g.principal, batch_id)
    return redirect(url_for(".batch", batch_id=batch_id), 303)


@bp.post("/batches/<batch_id>/retry")
def retry_batch(batch_id: str) -> ResponseReturnValue:
    """Retry the failed and missing tasks; the page says if there are none."""
    with suppress(BatchNotRetryable, MayBeChargedTwice):
        batches.retry(
            g.principal,
            batch_id,
            rest=request.form.get("rest") == "yes",
            accept_double_charge=accepts_double_charge(),
        )
    return redirect(url_for(".batch", batch_id=batch_id), 303)


@bp.post("/batches/<batch_id>/delete")
def delete_batch(batch_id: str) -> ResponseReturnValue:
    """Put its tasks and pictures into the trash."""
    batches.delete(g.principal, batch_id)
    return redirect(url_for(".batches"), 303)

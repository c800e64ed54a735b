"""Many prompts at once: asking, following, cancelling, running again."""

from contextlib import suppress
from dataclasses import replace

from flask import make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from jimeng import batches
from jimeng.batches import queries
from jimeng.errors import MayBeChargedTwice, NoProvider
from jimeng.errors.batches import BatchFinished, BatchNotRetryable, TooManyBatches
from jimeng.http import auth
from jimeng.http.request_bodies import MAX_BODY_BYTES, accepts_pictures
from jimeng.web import bp, is_htmx, refused
from jimeng.web.batches.form import BatchForm
from jimeng.web.batches.views import shelf_of, views_of
from jimeng.web.create import form_tokens
from jimeng.web.create.initial import keep_used
from jimeng.web.site.forms import accepts_double_charge

PAGE = 20  # batches of a list
REFUSALS = (*form_tokens.REFUSALS, NoProvider, TooManyBatches)


def sent() -> BatchForm:
    """What came as a form, which may be longer than others."""
    request.max_form_memory_size = MAX_BODY_BYTES
    return BatchForm.sent(request.form, request.files)


@bp.get("/batches/new")
def new_batch() -> ResponseReturnValue:
    """The form: empty, as a link says, or as it was for another ``batch``."""
    principal = auth.principal_of_page()
    again = request.args.get("batch")
    if again is not None:
        form = BatchForm.again(batches.find(principal, again, whole=True))
    else:
        form = BatchForm.begun()
    return show_form(form.judged(principal))


def show_form(form: BatchForm) -> str:
    return render_template("batches/new.html", batch=form, form=form.settings)


@bp.post("/batches/preview")
@accepts_pictures
def preview_batch() -> ResponseReturnValue:
    """What the form would ask for: the part that says so, or the page with it."""
    principal = auth.principal_of_page()
    form = sent().kept(principal, request.form.get("remove")).judged(principal)
    if is_htmx():
        part = "batches/_preview.html"
        return render_template(part, batch=form, form=form.settings, oob=True)
    return show_form(form)


@bp.post("/batches/new")
@accepts_pictures
def create_batch() -> ResponseReturnValue:
    """Ask for all of it; the page of the batch follows."""
    principal = auth.principal_of_page()
    form = sent()
    try:
        new = form.request(principal)
        form = replace(form, found=batches.estimate(principal, new))
        form.check_confirmed()
        made, _ = batches.create(
            principal, new, idem_key=form_tokens.token_of(request.form)
        )
    except REFUSALS as error:
        return refused(show_form(form.kept(principal).refused(error)), error)
    response = make_response(redirect(url_for(".batch", batch_id=made.id, made=1), 303))
    keep_used(response, request.form)
    return response


@bp.get("/batches", endpoint="batches")
def batch_list() -> ResponseReturnValue:
    """One's batches, newest first."""
    principal = auth.principal_of_page()
    page = batches.page(
        principal, principal.user_id, limit=PAGE, cursor=request.args.get("cursor")
    )
    return render_template(
        "batches/index.html",
        views=views_of(principal, page.rows),
        next_cursor=page.next_cursor,
    )


@bp.get("/batches/<batch_id>")
def batch(batch_id: str) -> ResponseReturnValue:
    """One batch: how far it is, why pictures failed, and those that have come."""
    principal = auth.principal_of_page()
    found = batches.find(principal, batch_id)
    shelf = shelf_of(principal, found, request.args.get("cursor"))
    if is_htmx() and shelf.cursor:
        return render_template("batches/_pictures.html", shelf=shelf)
    view = views_of(principal, [found], whole=True)[0]
    return render_template("batches/show.html", view=view, shelf=shelf)


@bp.get("/batches/<batch_id>/now")
def batch_now(batch_id: str) -> ResponseReturnValue:
    """What has changed since the page looked last; pictures that are new come too."""
    principal = auth.principal_of_page()
    found = batches.find(principal, batch_id)
    view = views_of(principal, [found], whole=True)[0]
    if view.mark == request.args.get("mark"):
        return "", 204
    fresh = queries.pictures_since(principal, found, request.args.get("since"))
    return render_template("batches/_now.html", view=view, fresh=fresh, oob=True)


@bp.get("/batches/<batch_id>/card")
def batch_card(batch_id: str) -> ResponseReturnValue:
    """One batch as the feed shows it."""
    principal = auth.principal_of_page()
    view = views_of(principal, [batches.find(principal, batch_id)])[0]
    if view.mark == request.args.get("mark"):
        return "", 204
    return render_template("batches/_card.html", view=view, oob=True)


@bp.post("/batches/<batch_id>/cancel")
def cancel_batch(batch_id: str) -> ResponseReturnValue:
    """Cancel the rest; one that has just ended is shown as it is."""
    with suppress(BatchFinished):
        batches.cancel(auth.principal_of_page(), batch_id)
    return redirect(url_for(".batch", batch_id=batch_id), 303)


@bp.post("/batches/<batch_id>/retry")
def retry_batch(batch_id: str) -> ResponseReturnValue:
    """Run again what is lacking; where nothing is by now, the page says so."""
    with suppress(BatchNotRetryable, MayBeChargedTwice):
        batches.run_again(
            auth.principal_of_page(),
            batch_id,
            rest=request.form.get("rest") == "yes",
            accept_double_charge=accepts_double_charge(),
        )
    return redirect(url_for(".batch", batch_id=batch_id), 303)


@bp.post("/batches/<batch_id>/delete")
def delete_batch(batch_id: str) -> ResponseReturnValue:
    """Put its tasks and pictures into the trash."""
    batches.delete(auth.principal_of_page(), batch_id)
    return redirect(url_for(".batches"), 303)

"""Whether downloaded files say what they were made of: unless switched off."""

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue

from jimeng import auth
from jimeng.accounts import users
from jimeng.web import bp
from jimeng.web.preferences import keep

COOKIE = "words"  # of those without a name here


def are_wanted() -> bool:
    user = auth.current_user()
    if user is not None:
        return not user.plain_files
    return request.cookies.get(COOKIE) != "off"


@bp.post("/account/files")
def save_files() -> ResponseReturnValue:
    """Keep what downloaded files are to say."""
    viewer = auth.viewer_of_page()
    wanted = request.form.get("words") == "1"
    response = redirect(url_for("web.account", done="files"), 303)
    user = auth.current_user()
    if user is None:
        keep(response, COOKIE, "on" if wanted else "off")  # type: ignore[arg-type]
    else:
        users.set_preferences(viewer, user.id, plain_files=not wanted)
    return response

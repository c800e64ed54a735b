"""The settings in force, the models offered, and the versions of all that works."""

from flask import current_app, render_template
from flask.typing import ResponseReturnValue

from jimeng import auth, operations
from jimeng.admin import bp
from jimeng.config import Config


@bp.get("/settings")
def settings() -> ResponseReturnValue:
    """What is in force; secrets only as set or not."""
    config: Config = current_app.config["JIMENG"]
    found = operations.settings.read(auth.viewer_of_page(), config)
    return render_template("admin/settings.html", found=found)

"""Static files: the bundled stylesheet, and versioned URLs."""

import hashlib
import re
from functools import cache
from pathlib import Path

from flask import Response, current_app, make_response, request, url_for
from flask.sansio.blueprints import BlueprintSetupState

from jimeng.tasks.styles import STYLES
from jimeng.web import bp, public
from jimeng.web.create.aspect_ratios import rules

STRIP = "styles.webp"
COMMENT = re.compile(r"/\*.*?\*/\s*", re.DOTALL)  # a sixth of the size
LARGER = 1.04  # scale of a swatch, so that its neighbour's edge pixels stay hidden
NONE = """\
.swatch { background: linear-gradient(to top right, #0000 49%, var(--edge) 49% 51%,\
 #0000 51%) var(--sunken); }"""


@cache
def bundle(folder: str) -> tuple[str, str]:
    """
    Bundle the stylesheet: tokens, shared components, the rules of each area, and the
    generated ones; without comments.

    Returns:
        The text, and its version.
    """
    root = Path(folder)
    shared = [root / "app.css", root / "components.css"]
    files = [*shared, *sorted((root / "areas").glob("*.css"))]
    generated = [rules(), rules_of_styles(root)]
    text = "\n".join([*(file.read_text("utf-8") for file in files), *generated])
    text = COMMENT.sub("", text)
    return text, hashlib.sha256(text.encode()).hexdigest()[:12]


def stylesheet_url() -> str:
    """The versioned URL of the stylesheet."""
    version = bundle(str(current_app.static_folder))[1]
    return url_for("web.stylesheet", v=version)


@bp.get("/app.css")
@public
def stylesheet() -> Response:
    """The bundled stylesheet; cached for good under its versioned URL."""
    text, version = bundle(str(current_app.static_folder))
    response = Response(text, content_type="text/css; charset=utf-8")
    response.set_etag(version)
    current = request.args.get("v") == version
    response.headers["Cache-Control"] = IMMUTABLE if current else "no-cache"
    return response.make_conditional(request)  # type: ignore[return-value]


def rules_of_styles(folder: Path) -> str:
    """
    The CSS rules of the style swatches: positions in one sprite, which
    `scripts/draw_styles.py` draws. The first swatch, no style, is a crossed-out field.

    Args:
        folder: The static folder.
    """
    address = f"static/{STRIP}?v={version(folder / STRIP)}"
    count = len(STYLES)
    background = f"0 50% / {100 * count * LARGER:g}% {100 * LARGER:g}%"
    of_all = ":is(.chip + .chip > .swatch, .swatch[data-style])"
    rows = [NONE, f"{of_all} {{ background: url({address}) {background}; }}"]
    for index, style in enumerate(STYLES):
        nth = f".styles :nth-child({index + 2}) > .swatch"
        where = f":is({nth}, .swatch[data-style={style.id!r}])"
        beyond = index * LARGER + (LARGER - 1) / 2  # widths of one, to the left
        share = 100 * beyond / (count * LARGER - 1)
        rows.append(f"{where} {{ background-position-x: {share:.5g}%; }}")
    return "\n".join(rows)


IMMUTABLE = "public, max-age=31536000, immutable"


@cache
def version(path: Path) -> str | None:
    """The version of a file, a hash of its content; None if it does not exist."""
    if not path.is_file():
        return None
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


def version_of(filename: str) -> str | None:
    return version(Path(str(current_app.static_folder), filename))


@bp.app_url_defaults
def add_version(endpoint: str, values: dict) -> None:
    if endpoint == "static":
        values.setdefault("v", version_of(values["filename"]))


@bp.record_once
def cache_static_files(state: BlueprintSetupState) -> None:
    """Let browsers cache static files for good under their versioned URLs."""
    send = state.app.view_functions["static"]

    def send_file(filename: str) -> Response:
        response = make_response(send(filename=filename))
        if request.args.get("v") == version_of(filename):
            response.headers["Cache-Control"] = IMMUTABLE
        return response

    state.app.view_functions["static"] = send_file

"""The installable web app: manifest, service worker and offline page."""

from pathlib import Path

from flask import Response, current_app, jsonify, render_template, url_for

from jimeng.i18n import language, t
from jimeng.web import bp, public
from jimeng.web.site.static_files import stylesheet_url

ICONS = (
    ("favicon.svg", "any", "image/svg+xml", "any"),
    ("icon-192.png", "192x192", "image/png", "any"),
    ("icon-512.png", "512x512", "image/png", "any"),
    ("icon-maskable.png", "512x512", "image/png", "maskable"),
)
BACKGROUND = "#f4f6f8"  # as in app.css
REVALIDATE = {"Cache-Control": "no-cache"}


@bp.get("/manifest.webmanifest")
@public
def manifest() -> Response:
    """The web app manifest: name, icons, colours and shortcuts."""
    shortcuts = (("nav.gallery", "web.gallery"), ("nav.tasks", "web.index"))
    response = jsonify(
        id=url_for(".index"),
        name=t("app.title"),
        short_name=t("app.title"),
        description=t("app.description"),
        lang="zh-CN" if language() == "zh" else "en",
        start_url=url_for(".index"),
        scope=url_for(".index"),
        display="standalone",
        background_color=BACKGROUND,
        theme_color=BACKGROUND,
        icons=[
            {
                "src": url_for("static", filename=name),
                "sizes": sizes,
                "type": kind,
                "purpose": purpose,
            }
            for name, sizes, kind, purpose in ICONS
        ],
        shortcuts=[
            {"name": t(key), "url": url_for(endpoint)} for key, endpoint in shortcuts
        ],
    )
    response.content_type = "application/manifest+json"
    response.headers.update(REVALIDATE)
    response.vary.update(["Accept-Language", "Cookie"])
    return response


@bp.get("/worker.js")
@public
def worker() -> Response:
    """The service worker; its scope requires a URL at the root."""
    text = Path(str(current_app.static_folder), "worker.js").read_text("utf-8")
    # Changed styles change this text, so browsers update the worker and its offline
    # page.
    text += f"// {stylesheet_url()}\n"
    return Response(
        text, content_type="text/javascript; charset=utf-8", headers=REVALIDATE
    )


@bp.get("/offline")
@public
def offline() -> str:
    """The page that the worker shows without a connection; it has no user data."""
    return render_template("offline.html")

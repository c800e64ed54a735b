"""The application factory. `python app.py` runs the whole service locally."""

import signal
import sys

if __name__ == "__main__":
    # Until the supervisor listens, Ctrl-C ends this at once, without a traceback.
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    from jimeng.local.supervisor import main
    from jimeng.providers import Registry

    # The rest of the module is for the started processes, not for this one.
    sys.exit(main(check=Registry.from_config))

import os
from collections.abc import Callable

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from jimeng import api, cli, documents, i18n, jobs, mcp, openai, web
from jimeng.api import openapi
from jimeng.api.openapi.document import Document
from jimeng.config import Config, logs
from jimeng.errors import ConfigError, DatabaseUnavailable
from jimeng.http import auth, error_handlers, request_cycle
from jimeng.http.requests import MAX_BODY_BYTES, JimengRequest
from jimeng.http.responses import compress, failure
from jimeng.monitoring import health, metrics
from jimeng.openai import ark
from jimeng.web import admin

# Path prefix -> the function that writes the errors of that interface.
ERROR_WRITERS: dict[str, error_handlers.Writer] = {
    openai.PREFIX: openai.failure,
    ark.PREFIX: ark.failure,
    mcp.PATH: mcp.failure,
    **dict.fromkeys(("/api", "/health", "/metrics"), failure),
}


class App(Flask):
    """Flask without the check of each request hook for being a coroutine."""

    request_class = JimengRequest

    def ensure_sync(self, func: Callable) -> Callable:
        return func


def create_app(config: Config | None = None) -> Flask:
    """
    Create the web application. It connects lazily: unavailable databases do not keep
    it from starting.

    Args:
        config: The settings. Without it they are loaded from the environment, and a
                malformed one ends the process with a message instead of a traceback.

    Raises:
        ConfigError: a setting is malformed.
    """
    if config is None:  # as `flask --app app` calls it
        try:
            return create_app(Config.load())
        except (ConfigError, DatabaseUnavailable) as error:
            sys.exit(logs.refuse(error))
    logs.setup(config)
    app = App(__name__)
    auth.setup(app, config)
    app.config.from_mapping(
        JIMENG=config,
        DEMO=os.environ.get("JIMENG_DEMO") == "1",
        MAX_CONTENT_LENGTH=MAX_BODY_BYTES,
    )
    # A redirect would answer in HTML, and lose the body of a POST.
    app.url_map.merge_slashes = False
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    app.json.sort_keys = False  # type: ignore[attr-defined]
    documents.connect(config)
    jobs.configure(config)
    openai.check(config)
    described = (api.blp, openai.bp, health.bp, metrics.bp)
    Document(app, described)
    for blueprint in described:
        app.register_blueprint(blueprint)
    app.register_blueprint(ark.bp)
    app.register_blueprint(mcp.bp)
    app.register_blueprint(web.bp)
    app.register_blueprint(admin.bp)
    app.register_blueprint(openapi.bp)
    cli.register(app)
    app.jinja_env.globals.update(
        t=i18n.t, language=i18n.language, demo=app.config["DEMO"]
    )
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    if config.TRUSTED_PROXIES:
        each = config.TRUSTED_PROXIES
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=each, x_proto=each)  # type: ignore[method-assign]
    app.after_request(compress)  # registered first, so it runs last
    request_cycle.setup(app)
    auth.allow_origins(app, config)
    error_handlers.setup(app, ERROR_WRITERS)
    return app

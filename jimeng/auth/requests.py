"""May this request be believed: its host name, and the site it comes from."""

from urllib.parse import urlsplit

from flask import current_app, request

from jimeng.config import Config
from jimeng.errors import CrossSite, WrongHost

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def check_host() -> None:
    """
    Refuse a host name that is not this server's: another site's page may have
    pointed its own name at this address.

    Raises:
        WrongHost: it is neither loopback nor configured.
    """
    config: Config = current_app.config["JIMENG"]
    host = host_name(request.host)
    # A health check comes from wherever the platform sends it, and tells nothing.
    if host in config.own_hosts or request.path.startswith("/health"):
        return
    raise WrongHost(f"host {host[:100]!r}")


def address() -> str:
    """Where the request comes from, as told by as many proxies as are trusted."""
    return request.remote_addr or ""


def host_name(address: str) -> str:
    """The name in *address* without its port; empty where there is none."""
    try:
        return urlsplit(f"//{address}").hostname or ""
    except ValueError:
        return ""


def reject_cross_site() -> None:
    """
    Refuse an unsafe request that a browser sent from another site.

    Browsers say where a request comes from in ``Sec-Fetch-Site``, older ones in
    ``Origin``; a client that sends neither is no browser.
    Source: https://words.filippo.io/csrf/

    Raises:
        CrossSite: it came from elsewhere.
    """
    if request.method in SAFE_METHODS:
        return
    site = request.headers.get("Sec-Fetch-Site")
    if site is None:
        origin = request.headers.get("Origin")
        same = origin is None or origin.partition("://")[2] == request.host
        site = "same-origin" if same else "cross-site"
    if site not in {"same-origin", "none"}:
        raise CrossSite(f"{request.method} {request.path} from {site[:40]!r}")

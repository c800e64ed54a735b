"""
Host-name and cross-site checks of requests, and the security headers of responses.
"""

from ipaddress import ip_address
from urllib.parse import urlsplit

from flask import Request, Response, current_app, request

from jimeng.config import LOOPBACK, Config
from jimeng.errors.access import CrossSite, WrongHost

# By the first part of the path, below which /api/v3 is Ark's; metrics use the API's
# authentication.
INTERFACE_BY_PATH = {"api": "api", "metrics": "api", "v1": "openai", "mcp": "mcp"}
PREFLIGHT = "Access-Control-Request-Method"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
YEAR_S = 365 * 24 * 3600
HSTS = {
    "host": f"max-age={YEAR_S}",
    "subdomains": f"max-age={YEAR_S}; includeSubDomains",
    "preload": f"max-age={YEAR_S}; includeSubDomains; preload",
}
DEVICES = (
    *("camera", "display-capture", "geolocation", "hid", "microphone", "midi"),
    *("payment", "serial", "usb", "xr-spatial-tracking"),
)
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; "
        "img-src 'self' data:; media-src 'self'; connect-src 'self'; "
        "form-action 'self'; manifest-src 'self'; worker-src 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Permissions-Policy": ", ".join(f"{device}=()" for device in DEVICES),
    "Cross-Origin-Opener-Policy": "same-origin",
}


def check_host(incoming: Request) -> None:
    """
    Refuse a ``Host`` that is not this server's (DNS rebinding: another site may
    resolve its own name to this address).

    Raises:
        WrongHost: the name is not configured. Loopback names are accepted from this
            machine, or if no name is configured.
    """
    config: Config = current_app.config["JIMENG"]
    host = host_name(incoming.host)
    names = config.own_hosts
    if names != LOOPBACK and not is_loopback(client_address(incoming)):
        names -= LOOPBACK
    # Platforms send health checks with any host name, and these reveal nothing.
    if host in names or incoming.path.startswith("/health"):
        return
    raise WrongHost(f"host {host[:100]!r}")


def interface_of(incoming: Request = request) -> str:
    """The interface that the request uses: one of `KEY_INTERFACES`, or ``pages``."""
    first, *below = incoming.path.split("/", 3)[1:3]
    interface = INTERFACE_BY_PATH.get(first, "pages")
    return "ark" if interface == "api" and below == ["v3"] else interface


def is_loopback(address: str) -> bool:
    """Whether it is an address of this machine."""
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False


def client_address(incoming: Request = request) -> str:
    """
    The client's IP address, as reported by the trusted proxies; some add the port,
    which is removed.
    """
    reported = incoming.remote_addr or ""
    has_port = reported.startswith("[") or reported.count(":") == 1
    return host_name(reported) if has_port else reported


def host_name(address: str) -> str:
    """The host name in *address*, without a port; empty if it is malformed."""
    try:
        return urlsplit(f"//{address}").hostname or ""
    except ValueError:
        return ""


def bearer_key(incoming: Request) -> str | None:
    """The key in ``Authorization: Bearer …`` (RFC 6750, section 2.1), or None."""
    scheme, _, key = incoming.headers.get("Authorization", "").partition(" ")
    return key.strip() if scheme.lower() == "bearer" else None


def is_from_allowed_origin(incoming: Request) -> bool:
    """Whether a page of ``CORS_ORIGINS`` calls an interface other than the pages."""
    config: Config = current_app.config["JIMENG"]
    origin = incoming.headers.get("Origin", "").lower()
    return origin in config.CORS_ORIGINS and interface_of(incoming) != "pages"


def reject_cross_site() -> None:
    """
    Refuse an unsafe request that a browser sent from another site, unless it is of an
    allowed origin and carries an API key, which no browser sends by itself.

    Browsers send ``Sec-Fetch-Site``, older ones ``Origin``; a client that sends
    neither is not a browser, unless a ``Referer`` says otherwise.
    Source: https://words.filippo.io/csrf/

    Raises:
        CrossSite: another site sent it.
    """
    if request.method in SAFE_METHODS:
        return
    if is_from_allowed_origin(request) and bearer_key(request):
        return
    site = request.headers.get("Sec-Fetch-Site")
    if site is None:
        origin = request.headers.get("Origin")
        if origin is None and not bearer_key(request):
            origin = request.headers.get("Referer")
        address = (origin or "").partition("://")[2].partition("/")[0]
        same = origin is None or address == request.host
        site = "same-origin" if same else "cross-site"
    if site not in {"same-origin", "none"}:
        raise CrossSite(f"{request.method} {request.path} from {site[:40]!r}")


def add_security_headers(response: Response, incoming: Request) -> None:
    """Add the security headers that the view has not set itself."""
    present = {name.lower() for name, _ in response.headers}
    for name, value in HEADERS.items():
        if name.lower() not in present:
            response.headers.add(name, value)
    if uses_https(incoming):
        config: Config = current_app.config["JIMENG"]
        response.headers["Strict-Transport-Security"] = HSTS[config.HSTS]


def uses_https(incoming: Request) -> bool:
    """
    Whether the browser reached this server by HTTPS, or should have. Never for a
    loopback name: HSTS would break other programs' plain HTTP there.
    """
    host = host_name(incoming.host)
    if host in LOOPBACK:
        return False
    config: Config = current_app.config["JIMENG"]
    public = urlsplit(config.PUBLIC_URL)
    return incoming.is_secure or (public.scheme, public.hostname) == ("https", host)

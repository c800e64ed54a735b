"""
May this request be believed: its host name, and the site it comes from. And what
browsers are told: to run, show and send nothing that is not ours.
"""

from ipaddress import ip_address
from urllib.parse import urlsplit

from flask import Request, Response, current_app, request

from jimeng.config import LOOPBACK, Config
from jimeng.errors.access import CrossSite, WrongHost

# How the paths of doors begin; figures are asked for as the API is.
BY_PATH = {"api": "api", "metrics": "api", "v1": "openai", "mcp": "mcp"}
PREFLIGHT = "Access-Control-Request-Method"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
YEAR = 365 * 24 * 3600  # seconds
HSTS = {
    "host": f"max-age={YEAR}",
    "subdomains": f"max-age={YEAR}; includeSubDomains",
    "preload": f"max-age={YEAR}; includeSubDomains; preload",
}
DEVICES = (
    *("camera", "display-capture", "geolocation", "hid", "microphone", "midi"),
    *("payment", "serial", "usb", "xr-spatial-tracking"),
)
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; "
        "img-src 'self' data:; connect-src 'self'; form-action 'self'; "
        "manifest-src 'self'; worker-src 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Permissions-Policy": ", ".join(f"{device}=()" for device in DEVICES),
    "Cross-Origin-Opener-Policy": "same-origin",
}


def check_host(asked: Request) -> None:
    """
    Refuse a host name that is not this server's: another site's page may have
    pointed its own name at this address.

    Raises:
        WrongHost: it is not configured, nor, where the request is from this machine
            or no name is configured, this machine's.
    """
    config: Config = current_app.config["JIMENG"]
    host = host_name(asked.host)
    names = config.own_hosts
    if names != LOOPBACK and not is_near(address(asked)):
        names -= LOOPBACK
    # A health check comes from wherever the platform sends it, and tells nothing.
    if host in names or asked.path.startswith("/health"):
        return
    raise WrongHost(f"host {host[:100]!r}")


def door(asked: Request = request) -> str:
    """The door that the request comes in by: one of `KEY_INTERFACES`, or ``pages``."""
    first = asked.path.split("/", 2)[1]
    return BY_PATH.get(first, "pages")


def is_near(address: str) -> bool:
    """Whether it is of this machine."""
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False


def address(asked: Request = request) -> str:
    """
    Where the request comes from, as told by as many proxies as are trusted; some
    tell the port, too.
    """
    told = asked.remote_addr or ""
    has_port = told.startswith("[") or told.count(":") == 1
    return host_name(told) if has_port else told


def host_name(address: str) -> str:
    """The name in *address* without its port; empty where there is none."""
    try:
        return urlsplit(f"//{address}").hostname or ""
    except ValueError:
        return ""


def bearer_key(asked: Request) -> str | None:
    """The key in ``Authorization: Bearer …`` (RFC 6750, section 2.1), if there is."""
    scheme, _, key = asked.headers.get("Authorization", "").partition(" ")
    return key.strip() if scheme.lower() == "bearer" else None


def is_from_allowed_origin(asked: Request) -> bool:
    """Whether it comes to a program's interface from a page in ``CORS_ORIGINS``."""
    config: Config = current_app.config["JIMENG"]
    origin = asked.headers.get("Origin", "").lower()
    return origin in config.CORS_ORIGINS and door(asked) != "pages"


def reject_cross_site() -> None:
    """
    Refuse an unsafe request that a browser sent from another site, unless it is of an
    allowed origin and has a key, which no browser sends by itself.

    Browsers say where a request comes from in ``Sec-Fetch-Site``, older ones in
    ``Origin``; a client that sends neither is no browser.
    Source: https://words.filippo.io/csrf/

    Raises:
        CrossSite: it came from elsewhere.
    """
    if request.method in SAFE_METHODS:
        return
    if is_from_allowed_origin(request) and bearer_key(request):
        return
    site = request.headers.get("Sec-Fetch-Site")
    if site is None:
        origin = request.headers.get("Origin")
        same = origin is None or origin.partition("://")[2] == request.host
        site = "same-origin" if same else "cross-site"
    if site not in {"same-origin", "none"}:
        raise CrossSite(f"{request.method} {request.path} from {site[:40]!r}")


def guard(response: Response, asked: Request) -> None:
    """Add what the answer does not say itself."""
    said = {name.lower() for name, _ in response.headers}
    for name, value in HEADERS.items():
        if name.lower() not in said:
            response.headers.add(name, value)
    if comes_by_tls(asked):
        config: Config = current_app.config["JIMENG"]
        response.headers["Strict-Transport-Security"] = HSTS[config.HSTS]


def comes_by_tls(asked: Request) -> bool:
    """
    Whether the browser has reached this server by https, or should have. Never on
    this machine, where other programs have the same name without it.
    """
    host = host_name(asked.host)
    if host in LOOPBACK:
        return False
    config: Config = current_app.config["JIMENG"]
    public = urlsplit(config.PUBLIC_URL)
    return asked.is_secure or (public.scheme, public.hostname) == ("https", host)

"""What browsers are told: to run, show and send nothing that is not ours."""

from urllib.parse import urlsplit

from flask import Response, current_app, request

from jimeng.auth.requests import host_name
from jimeng.config import LOOPBACK, Config

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


def guard(response: Response) -> None:
    """Add what the answer does not say itself."""
    said = {name.lower() for name, _ in response.headers}
    for name, value in HEADERS.items():
        if name.lower() not in said:
            response.headers.add(name, value)
    if comes_by_tls():
        config: Config = current_app.config["JIMENG"]
        response.headers["Strict-Transport-Security"] = HSTS[config.HSTS]


def comes_by_tls() -> bool:
    """
    Whether the browser has reached this server by https, or should have. Never on
    this machine, where other programs have the same name without it.
    """
    host = host_name(request.host)
    if host in LOOPBACK:
        return False
    config: Config = current_app.config["JIMENG"]
    public = urlsplit(config.PUBLIC_URL)
    return request.is_secure or (public.scheme, public.hostname) == ("https", host)

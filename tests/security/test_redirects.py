"""Forms that say where to go on to, and would like that to be another site."""

import json
import subprocess

from tests.access.conftest import PASSWORD
from tests.each import for_each
from tests.page import HTMX, POST
from tests.parts import NODE

HOME = "https://images.example"
TARGETS = [
    *("https://evil.example/", "http:evil.example", "https:/evil.example"),
    *("//evil.example", "///evil.example", "////evil.example", "/\\evil.example"),
    *("\\\\evil.example", "\\/evil.example", "/\\/evil.example", "//evil.example\\@x"),
    *("/\t/evil.example", "/\n/evil.example", "\t//evil.example", " //evil.example"),
    *("\x01//evil.example", "\x0b//evil.example", "/\r\nLocation: //evil.example"),
    *("/%2f/evil.example", "/%5cevil.example", "%2f%2fevil.example", "/%09/evil"),
    *("/.//evil.example", "/..//evil.example", "/;//evil.example", "/x/..//evil"),
    *("/%2e%2e//evil.example", "/\u2028/evil.example", "/／evil.example", "／／evil"),
    *("/\u3002evil", "/@evil.example", "/:80", "@evil.example", ":80", "?//evil"),
    *("javascript:alert(1)", "java\tscript:alert(1)", "data:text/html,x", "blob:x"),
    *("JavaScript:alert(1)//", "vbscript:x", "file:///etc/passwd", "about:blank"),
    *("//localhost@evil.example", "http://localhost/", "//[::1]/", "/\x7f//evil"),
]
# Where a browser goes that is told so, by the rules browsers have.
GOES = """
const places = JSON.parse(require("fs").readFileSync(0, "utf8"));
console.log(JSON.stringify(places.map((p) => new URL(p, "https://images.example/x/y").origin)));
"""


def origins(locations: list[str]) -> set[str]:
    """The sites that a browser would go to from a page of ours."""
    done = subprocess.run(
        [NODE, "-e", GOES],
        input=json.dumps(locations),
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    return set(json.loads(done.stdout))


def test_sign_in_leads_to_no_other_site(secured, ada):
    """Neither after it, nor for whoever is in already, nor by the form's own field."""
    locations = []
    for target in TARGETS:
        client = secured.test_client()
        form = {"email": ada.user.email, "password": PASSWORD, "next": target}
        locations.append(client.post("/sign-in", data=form, headers=POST).location)
        again = client.get("/sign-in", query_string={"next": target})
        locations.append(again.location)

    assert origins(["/\\evil.example"]) == {"https://evil.example"}  # it would tell
    assert len(locations) == 2 * len(TARGETS)
    assert origins(locations) == {HOME}


@for_each(
    "path",
    [
        *("/theme", "/language", "/pictures/trash", "/pictures/restore"),
        *("/pictures/purge", "/pictures/favourite"),
    ],
)
def test_forms_lead_to_no_other_site(path, ada):
    """All those that go back to where they stood."""
    ada.sign_in()
    locations = []
    for target in TARGETS:
        form = {"next": target, "id": "x", "theme": "dark", "lang": "en"}
        answer = ada.client.post(path, data=form, headers=POST)
        assert answer.status_code == 303
        locations.append(answer.location)

    assert origins(locations) == {HOME}


def test_page_that_was_asked_for_leads_to_no_other_site(nobody):
    """The address that leads to the sign-in is a path, whatever it says."""
    for path in ("//evil.example", "//evil.example/..", "/\\evil.example", "/%5c/evil"):
        answer = nobody.get("/", environ_overrides={"PATH_INFO": path})
        assert answer.status_code in {303, 404}
        assert origins([answer.location or "/"]) == {HOME}


BROKEN = ["http://[", "http://a]b/", "//[::1", "http://\u2100x/"]


@for_each("address", BROKEN)
def test_address_that_is_none_leads_home(nobody, ada, address):
    """As scripts say it of the page that they stand on; nor does it undo anything."""
    here = {"HX-Current-URL": address.encode().decode("latin-1")}

    answer = nobody.get("/feed/changes", headers=HTMX | here)

    assert answer.status_code == 401
    assert answer.headers["HX-Redirect"] == "/sign-in"
    ada.sign_in()
    form = {"next": address, "id": "x"}
    done = ada.client.post("/pictures/trash", data=form, headers=POST | HTMX)
    assert done.status_code == 200

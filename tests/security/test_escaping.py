"""Texts that would like to be markup, code, headers or file names, wherever shown."""

import io
import json
import re
from html.parser import HTMLParser
from urllib.parse import unquote
from zipfile import ZipFile

import pytest

from jimeng import accounts
from jimeng.accounts import users
from jimeng.documents import User
from jimeng.documents.principal import Principal
from jimeng.errors import ProviderError
from tests.access.conftest import OPERATOR
from tests.each import for_each
from tests.page import HTMX, POST, links
from tests.rest import API, CREATE, data_of
from tests.security.hostile import MIXED, NAMES, TEXTS

ADDRESSES = {"href", "src", "action", "formaction", "data", "hx-get", "hx-post"}
# All that templates of ours are made of; what is none of these came out of a text.
WORDS = (
    "html head meta title link script body a svg path circle rect line g defs symbol "
    "use header footer main nav section article aside div span p h1 h2 h3 ul ol li dl "
    "dt dd form label input textarea button select option optgroup fieldset legend "
    "details summary figure figcaption img table thead tbody tr th td time code pre "
    "kbd br small progress output dialog noscript strong em abbr polyline polygon "
    "ellipse radialgradient lineargradient stop text tspan datalist bdi b clippath "
    "mask template canvas"
)
TAGS = frozenset(WORDS.split())


class Page(HTMLParser):
    """
    What a browser makes of a page.

    Attributes:
        troubles: What is there and should not be.
        texts: All texts, and all values of attributes.
    """

    def __init__(self, html: str) -> None:
        super().__init__()
        self.troubles: list[str] = []
        self.texts: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        given = {name: value or "" for name, value in attrs}
        if tag not in TAGS:
            self.troubles.append(f"<{tag}>")
        if tag == "script" and not given.get("src", "").startswith("/static/"):
            self.troubles.append(f"<script {given}>")
        for name, value in given.items():
            self.texts.append(value)
            if name.startswith("on") or name in {"style", "srcdoc", "hx-on"}:
                self.troubles.append(f"<{tag} {name}={value!r}>")
            if name in ADDRESSES and not re.match(r"/(?!/)|#|\?|data:image/", value):
                self.troubles.append(f"<{tag} {name}={value!r}>")

    handle_startendtag = handle_starttag

    def handle_data(self, data):
        self.texts.append(data)

    def handle_comment(self, data):
        self.troubles.append(f"<!--{data}-->")

    def shows(self, text: str) -> bool:
        """Whether it is there as it is; white space aside."""
        wanted = "".join(text.split())
        return any(wanted in "".join(each.split()) for each in self.texts)


def look(client, path: str, **options) -> Page:
    answer = client.get(path, **options)
    assert answer.status_code in {200, 404, 422}, (path, answer.status_code)
    return Page(answer.text)


@pytest.fixture
def made(ada, provider, work_off):
    """Ask for a picture with a text as its prompt, and let one fail beside it."""

    def make(text: str, style: str = "") -> str:
        ada.sign_in()
        words = {"prompt": text, **({"style": style} if style else {})}
        failed = ProviderError(f"refused {text}", code="content_refused_prompt")
        provider.submits = [failed]
        data_of(ada.api("POST", CREATE, json=words), 202)
        work_off()
        task = data_of(ada.api("POST", CREATE, json=words), 202)["task_id"]
        work_off()
        return task

    return make


@pytest.mark.parametrize("what", MIXED)
def test_prompt_is_shown_as_it_is(what, ada, admin, made):
    """On every page that shows prompts, and in answers for programs."""
    text = MIXED[what]
    task = made(text, style=text[:40])
    admin.sign_in()
    picture = f"{task}_0"
    paths = ["/", f"/tasks/{task}", f"/tasks/{task}/card", "/?show=all", "/gallery"]
    paths += [f"/pictures/{picture}", f"/?again={task}", f"/composer?again={task}"]

    pages = {path: look(ada.client, path) for path in paths}
    pages["failures"] = look(admin.client, "/admin/failures")
    record = ada.api("GET", f"{API}/tasks/{task}")
    ada.client.post(f"/pictures/{picture}/delete", headers=POST)
    pages["trash"] = look(ada.client, "/gallery?trash=1")

    assert {p: page.troubles for p, page in pages.items() if page.troubles} == {}
    del pages["failures"]  # operators see the reasons, and no prompts
    assert [p for p, page in pages.items() if not page.shows(text.strip())] == []
    assert data_of(record)["input"]["prompt"] == text.strip()
    assert record.content_type == "application/json"


@for_each("what", MIXED)
def test_what_was_typed_comes_back_as_it_is(what, ada, admin):
    """Searches, links that fill forms, and forms that are refused."""
    text = MIXED[what]
    ada.sign_in()
    admin.sign_in()
    query = {"q": text, "prompt": text, "model": text, "size": text, "show": "all"}
    form = {"email": text, "name": text, "password": text, "next": text, "days": text}
    form |= {"prompt": text, "model": text, "n": text, "seed": text, "style": text}

    pages = [look(ada.client, path, query_string=query) for path in ("/", "/gallery")]
    for page in ("users", "failures", "audit"):
        pages.append(look(admin.client, f"/admin/{page}", query_string=query))
    for client, path, headers in (
        (ada.client, "/tasks", POST),
        (ada.client, "/tasks", POST | HTMX),
        (ada.client, "/account/keys", POST),
        (ada.client, "/account/delete", POST),
        (admin.client, "/admin/users", POST),
    ):
        answer = client.post(path, data=form, headers=headers)
        assert answer.status_code == 422, path
        pages.append(Page(answer.text))

    assert [page.troubles for page in pages if page.troubles] == []
    assert pages[0].shows(text.replace("\r\n", "\n").strip())


@pytest.mark.parametrize("what", NAMES)
def test_name_is_shown_as_it_is(what, secured, ada, admin, made):
    """Of users and of keys, on their own pages and on the operator's."""
    text = NAMES[what]
    ada.sign_in()
    admin.sign_in()
    users.update(Principal(ada.id), ada.id, name=text)
    users.update(OPERATOR, ada.id, email=f"{mailable(text)}@x.org")
    accounts.create_key(OPERATOR, ada.id, name=text)
    admin.client.post(f"/admin/users/{ada.id}/quota", data={"quota": 5}, headers=POST)
    made("a cat")
    token = accounts.invite(OPERATOR, ada.id)

    pages = {p: look(ada.client, f"/account{p}") for p in ("", "/keys", "/data")}
    for path in ("users", f"users/{ada.id}", "audit", "failures", "queue"):
        pages[path] = look(admin.client, f"/admin/{path}")
    pages["link"] = look(secured.test_client(), f"/invitations/{token}")
    record = data_of(ada.api("GET", f"{API}/users/{ada.id}"))
    keys = data_of(ada.api("GET", f"{API}/users/{ada.id}/keys"))

    assert {p: page.troubles for p, page in pages.items() if page.troubles} == {}
    shown = [p for p, page in pages.items() if page.shows(text.strip())]
    assert {"", "/keys", "users", f"users/{ada.id}", "audit", "link"} <= set(shown)
    assert text in {record["name"], keys[0]["name"]}


def mailable(text: str) -> str:
    """What of a text may stand before the @ of an e-mail."""
    return re.sub(r"[@\s]", "", "".join(filter(str.isprintable, text)))[:60] or "x"


@for_each(
    "email",
    [
        *("a\x1b[31m@x.org", "a\0@x.org", "a\u202eb@x.org", "a\r\nBcc:b@x.org"),
        *("a\u200b@x.org", "a\x7f@x.org", "a\ufeff@x.org", "a\u2028@x.org"),
    ],
)
def test_email_has_nothing_unseen(email, admin):
    """What a terminal or a reader would take for something else is refused."""
    answer = admin.api("POST", f"{API}/users", json={"email": email, "name": "x"})

    assert answer.status_code == 422
    assert User.collection().count_documents({}) == 1


SAFE_NAME = re.compile(r"[\w-]{1,60}\.\w{3,4}")
ALONE = [TEXTS[name] for name in ("formula", "path", "escape", "odd letters")]
DEVICES = {"con", "prn", "aux", "nul", "com1", "lpt9"}


@pytest.mark.parametrize("text", [*MIXED.values(), *ALONE, "nul", "COM1", "x" * 500])
def test_file_has_a_harmless_name(text, ada, made):
    """Downloads and archives: no path, no header, no device, nothing unseen."""
    task = made(text)
    page = ada.client.get(f"/tasks/{task}")
    (link, *_) = links(page, "download=1")

    one = ada.client.get(link).headers["Content-Disposition"]
    form = {"id": f"{task}_0"}
    chosen = ada.client.post("/pictures/zip", data=form, headers=POST)
    everything = ada.client.get("/account/export")

    named = unquote(one.partition("filename*=UTF-8''")[2])
    assert SAFE_NAME.fullmatch(named)
    with ZipFile(io.BytesIO(chosen.data)) as file:
        (inside,) = file.namelist()
    assert SAFE_NAME.fullmatch(inside)
    assert inside.partition(".")[0].lower() not in DEVICES
    with ZipFile(io.BytesIO(everything.data)) as file:
        first, *pictures = file.namelist()
        records = json.loads(file.read(first))
    (picture,) = pictures
    assert SAFE_NAME.fullmatch(picture.partition("/")[2])
    assert {record["prompt"] for record in records} == {text.strip()}


def test_reasons_name_no_field_as_markup(ada):
    """Names of fields that nobody knows come back as text in JSON. Of an address that
    is none the error page says nothing."""
    ada.sign_in()
    for text in TEXTS.values():
        answer = ada.api("POST", CREATE, json={"prompt": "x", text: text})

        assert answer.status_code == 422
        assert answer.content_type == "application/json"
        assert text in answer.json["errors"]
        page = Page(ada.client.get("/x" + text.replace("/", "")).text)
        assert page.troubles == []

"""Who may see the operator's pages; the settings, and the audit trail."""

import os
import secrets
from dataclasses import replace

import pytest
from pymongo.errors import PyMongoError

from jimeng import audit, documents, jobs
from jimeng.config import Config
from jimeng.documents import AuditEntry
from jimeng.errors import AdminsOnly, QueueUnavailable
from jimeng.i18n import MESSAGES
from jimeng.viewers import Viewer
from tests.access.conftest import make_person
from tests.admin_pages import ENGLISH, OPERATOR, text_of
from tests.page import HTMX, send
from tests.rest import client_with

PAGES = ("queue", "failures", "users", "users/new", "settings", "audit", "queue/clear")


@pytest.fixture
def closed(database, config, registry):
    """The application with sign-in on."""
    from app import create_app

    settings = replace(config, AUTH="on", SECRET_KEY=secrets.token_hex(32))
    made = create_app(settings)
    jobs.configure(settings, registry)
    yield made
    documents.connect(config, timeout=documents.WORKER_TIMEOUT)


def test_pages_are_the_operators(closed):
    """An admin sees them, a user is refused, and nobody is led to the sign-in."""
    admin = make_person(closed, "root@example.com", role="admin")
    ada = make_person(closed, "ada@example.com")
    admin.sign_in()
    ada.sign_in()
    browsers = (admin.client, ada.client, closed.test_client())

    said = {
        page: [each.get(f"/admin/{page}").status_code for each in browsers]
        for page in PAGES
    }

    assert said == {page: [200, 403, 303] for page in PAGES}
    led = closed.test_client().get("/admin/users").location
    assert led.startswith("/sign-in")


def test_own_account_is_marked_and_spared(closed):
    """There is no form on it that would lock its owner out."""
    admin = make_person(closed, "root@example.com", role="admin")
    admin.sign_in()

    page = admin.client.get(f"/admin/users/{admin.id}")

    assert page.status_code == 200
    for do in ("disable", "delete"):
        assert f"/admin/users/{admin.id}/{do}" not in page.text


def test_disabled_user_is_out_at_once(closed):
    """In the browser that is open, and with the key that is in use."""
    admin = make_person(closed, "root@example.com", role="admin")
    ada = make_person(closed, "ada@example.com")
    admin.sign_in()
    ada.sign_in()
    assert ada.client.get("/").status_code == 200

    send(admin.client, f"/admin/users/{ada.id}/disable")

    assert ada.client.get("/").status_code == 303
    assert ada.api("GET", "/api/v1/models").status_code == 401
    assert ada.sign_in().status_code != 303


def test_start_of_it_all_leads_to_the_queue(client):
    """The address is short enough to be remembered."""
    assert client.get("/admin/").location == "/admin/queue"


def test_other_sites_are_refused(client):
    """A page elsewhere cannot pause the work."""
    headers = {"Sec-Fetch-Site": "cross-site"}
    answer = client.post(
        "/admin/switches/intake", data={"paused": "1"}, headers=headers
    )

    assert answer.status_code == 403
    assert AuditEntry.collection().count_documents({}) == 0


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_pages_are_kept_by_no_cache(client, headers):
    """Parts and pages are told apart."""
    answer = client.get("/admin/queue", headers=headers)

    kept = {"no-store"} if headers else {"private, no-cache"}
    assert answer.headers["Cache-Control"] in kept
    assert "HX-Request" in answer.vary


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("language", ["zh", "en"])
def test_one_tab_is_the_page(client, page, language):
    """All are offered, and where one is, is said."""
    text = client.get(f"/admin/{page}", headers={"Accept-Language": language}).text

    tabs = text.partition('<nav class="tabs"')[2].partition("</nav>")[0]
    assert tabs.count("<a ") == 5
    assert tabs.count('aria-current="page"') == 1


def test_settings_show_no_secret(config, registry):
    """Not a character of one; what holds a password counts as one."""
    hidden = {
        "VOLCENGINE_ACCESS_KEY": "AKLTsecret1",
        "VOLCENGINE_SECRET_KEY": "sekrit-2",
        "ARK_API_KEY": "ark-sekrit-3",
        "REDIS_PASSWORD": "sekrit-4",
        "SECRET_KEY": "sekrit-5" * 8,
        "PUBLIC_URL": "https://me:sekrit-6@images.example.com",
    }
    with client_with(config, registry, **hidden) as client:
        page = client.get("/admin/settings", headers=ENGLISH)

    words = text_of(page)
    assert not [value for value in hidden.values() if value in page.text]
    assert "sekrit" not in page.text
    assert config.MONGODB_URI not in page.text
    for name in hidden:
        assert f"{name} Set; not shown" in words
    assert "VOLCENGINE_SESSION_TOKEN Not set Default" in words


def test_every_setting_has_a_line_with_its_source(client, monkeypatch):
    """Default, environment, or the file."""
    monkeypatch.setitem(os.environ, "LOG_LEVEL", "warning")

    words = text_of(client.get("/admin/settings", headers=ENGLISH))

    assert [name for name in Config.__dataclass_fields__ if name not in words] == []
    assert "LOG_LEVEL warning Environment" in words
    assert "MONGODB_DATABASE jimeng_test Environment" in words
    assert "SERVER_PORT 8080 Default" in words


def test_models_and_versions_are_told(client, registry):
    """What is offered, and by what it is served."""
    words = text_of(client.get("/admin/settings", headers=ENGLISH))

    assert all(model.id in words for model in registry.models.values())
    assert "MongoDB" in words and "Not there" not in words.partition("MongoDB")[2][:20]


def test_versions_of_what_is_away_are_said(config, registry):
    """The page comes without Redis, too."""
    with client_with(config, registry, REDIS_URL="redis://127.0.0.1:9/0") as client:
        page = client.get("/admin/settings", headers=ENGLISH)

    assert page.status_code == 200
    assert "Redis Not there" in text_of(page)


def test_trail_tells_what_came_of_it(client, database):
    """Done, refused, or cut off in the middle."""
    with audit.recorded(OPERATOR, "queue.clear") as outcome:
        outcome["tasks"] = 3
    with pytest.raises(QueueUnavailable), audit.recorded(OPERATOR, "queue.clear"):
        raise QueueUnavailable("away")
    with (
        pytest.raises(PyMongoError),
        audit.recorded(OPERATOR, "users.role", "user_1", role="admin"),
    ):
        raise PyMongoError("away")

    words = text_of(client.get("/admin/audit", headers=ENGLISH))

    assert 'root Cleared the queue {"tasks": 3}' in words
    assert "root Cleared the queue Refused: queue_unavailable" in words
    assert 'Changed a role user_1 {"role": "admin"} Did not finish' in words


def test_trail_is_written_before(database):
    """Whoever dies on the way has left a trace."""
    with audit.recorded(OPERATOR, "queue.clear"):
        entry = AuditEntry.find_one({})
        assert entry is not None and entry.is_unfinished

    entry = AuditEntry.find_one({})
    assert entry is not None and not entry.is_unfinished


def test_trail_goes_back_to_the_beginning(client, database):
    """Page after page, newest first."""
    for number in range(audit.PAGE + 3):
        with audit.recorded(OPERATOR, "users.quota", f"user_{number:03d}"):
            pass

    first = audit.page(OPERATOR)
    second = audit.page(OPERATOR, first.next_cursor)

    targets = [entry.target for entry in first.entries + second.entries]
    assert set(targets) == {f"user_{n:03d}" for n in range(audit.PAGE + 3)}
    assert (len(targets), second.next_cursor) == (audit.PAGE + 3, None)
    with pytest.raises(AdminsOnly):
        audit.page(Viewer("ada"))


def test_every_action_has_words():
    """Wherever one is recorded in the source, the page can say it."""
    import re
    from pathlib import Path

    sources = Path(audit.__file__).parent.glob("**/*.py")
    text = "".join(path.read_text("utf-8") for path in sources)
    found = set(re.findall(r'recorded\(\s*viewer,\s*"([a-z_.]+)"', text))

    assert {f"act.{action}" for action in found} - set(MESSAGES) == set()
    assert len(found) > 10

"""Who may see the operator's pages; today's use, and the settings."""

import os

from jimeng.config import Config
from tests.access.conftest import make_person
from tests.admin.pages import ENGLISH, fail, text_of, unknown
from tests.billing.conftest import settle
from tests.each import for_each
from tests.page import send
from tests.rest import client_with, create, new_user

PAGES = (
    *("queue", "queue/hours", "queue/clear", "failures", "usage"),
    *("users", "users/new", "settings", "audit", "shares", "prices"),
)


def test_who_may_no_more_is_out_at_once(secured):
    """In the browser that is open, and with the key that is in use; an invitation that
    was kept lets nobody back in."""
    root, eve = (
        make_person(secured, f"{name}@example.com", role="admin")
        for name in ("root", "eve")
    )
    root.sign_in()
    eve.sign_in()
    assert eve.client.get("/admin/queue").status_code == 200

    send(root.client, f"/admin/users/{eve.id}/role", role="user")
    assert eve.client.get("/admin/queue").status_code == 403
    page = send(root.client, f"/admin/users/{eve.id}/invite")
    assert eve.sign_in().status_code == 303
    send(root.client, f"/admin/users/{eve.id}/disable")

    assert eve.client.get("/").status_code == 303
    assert eve.api("GET", "/api/v1/models").status_code == 401
    assert eve.sign_in().status_code != 303
    link = page.text.partition('id="link" value="')[2].partition('"')[0]
    assert eve.client.get(link).status_code == 404


@for_each("page", [page for page in PAGES if page != "queue/hours"])
@for_each("language", ["zh", "en"])
def test_one_tab_is_the_page(client, page, language):
    """No cache keeps it; parts and pages are told apart."""
    answer = client.get(f"/admin/{page}", headers={"Accept-Language": language})

    tabs = answer.text.partition('<nav class="tabs"')[2].partition("</nav>")[0]
    assert tabs.count("<a ") == 7
    assert tabs.count('aria-current="page"') == 1
    assert answer.headers["Cache-Control"] == "no-store"
    assert "HX-Request" in answer.vary


def test_settings_show_no_secret(config, registry, monkeypatch):
    """Not a character of one; what holds a password counts as one. Each has a line with
    its source; beside what is offered, and served by what."""
    monkeypatch.setitem(os.environ, "LOG_LEVEL", "warning")
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
    assert [name for name in Config.__dataclass_fields__ if name not in words] == []
    assert "LOG_LEVEL warning Environment" in words
    assert f"MONGODB_DATABASE {config.MONGODB_DATABASE} Environment" in words
    assert "SERVER_PORT 8080 Default" in words
    assert all(model.id in words for model in registry.models.values())
    assert "Unavailable" not in words.partition("MongoDB ")[2][:20]
    assert "MongoDB " in words


def test_todays_use_is_told_by_user(client, provider, work_off, monkeypatch):
    """The sums of all, then whoever had the most pictures; strangers by their id. Of
    many only so many are listed, which is said; the sums are still those of all."""
    empty = text_of(client.get("/admin/usage", headers=ENGLISH))
    assert "Nothing has ended today" in empty
    ada = new_user(client, "ada@example.com", "Ada L")["id"]
    fail(client, provider, work_off, unknown(), user_id="stranger")
    create(client, user_id="bob")
    create(client, user_id=ada, n=3)
    work_off()
    settle()

    page = client.get("/admin/usage", headers=ENGLISH)

    sums = "Completed 4 Failed 0 Unknown 1 Cancelled 0 Charged 4 possibly 1 more"
    assert sums in text_of(page)
    assert "Ada L 3 0 0 0 3 bob 1 0 0 0 1 stranger 0 0 1 0 0" in text_of(page)
    assert f"/admin/users/{ada}" in page.text
    monkeypatch.setattr("jimeng.web.admin.reports.MAX_USERS_SHOWN", 1)
    words = text_of(client.get("/admin/usage", headers=ENGLISH))
    assert sums in words
    assert "Ada L 3" in words and "bob 1 0 0" not in words
    assert "2 more users are not listed" in words

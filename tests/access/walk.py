"""
Every route of the application, asked for with what its owner could send.

`ROUTES` says of each endpoint what kind it is; a route without an entry fails the
test that walks them.
"""

import io
from dataclasses import dataclass, field
from enum import StrEnum

from flask import Flask
from werkzeug.routing import Rule

from tests.given_pictures import photo
from tests.page import POST

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
PICTURE = "photo.jpg"  # stands in a form for a file
SECRET = "海边的灯塔，只给 Ada 看"  # the prompt of what is Ada's


class Kind(StrEnum):
    PUBLIC = "public"  # for everybody, and tells nothing of anybody
    LINK = "by link"  # whoever has the link may see the one thing
    OWN = "own"  # the thing is its owner's, and the admins'
    LIST = "list"  # answers everybody, each with their own
    ADMIN = "admin"  # the operators'


@dataclass(frozen=True)
class Route:
    """
    Attributes:
        json: A body that would be taken from the owner.
        form: The same, of a form.
        query: Needed in the query string.
    """

    kind: Kind
    json: dict | None = None
    form: dict = field(default_factory=dict)
    query: dict = field(default_factory=dict)


def all_of(kind: Kind, endpoints: str) -> dict[str, Route]:
    """Those that take nothing but what stands in their address."""
    return dict.fromkeys(endpoints.split(), Route(kind))


def own(json: dict | None = None, **form: object) -> Route:
    return Route(Kind.OWN, json, form)


def listed(json: dict | None = None, **form: object) -> Route:
    return Route(Kind.LIST, json, form)


def admins(json: dict | None = None, **form: object) -> Route:
    return Route(Kind.ADMIN, json, form)


NEW_USER = {"email": "new@example.com", "name": "New"}
ROUTES: dict[str, Route] = {
    **all_of(
        Kind.PUBLIC,
        """
        static health.health health.ready openapi.document openapi.page
        web.stylesheet web.manifest web.worker web.offline web.sign_in
        web.do_sign_in web.check_code web.sign_out web.choose_language
        web.choose_theme
        """,
    ),
    **all_of(
        Kind.LINK,
        """
        web.invitation web.accept_invitation web.image web.thumbnail web.preview
        web.video web.last_frame web.input_link web.shared web.shared_picture
        web.shared_file
        """,
    ),
    **all_of(
        Kind.OWN,
        """
        api.get_result api.get_video_result api.delete_task api.get_task
        api.list_tasks api.follow_task api.cancel_task api.cancel_picture
        api.retry_task api.get_batch api.follow_batch api.list_batch_tasks
        api.cancel_batch api.retry_batch api.delete_batch api.get_upload
        api.get_upload_content api.delete_upload api.get_collection
        api.delete_collection api.list_pictures api.get_share api.replace_share
        api.end_share api.get_prompt api.delete_prompt api.get_webhook
        api.delete_webhook api.rotate_webhook api.test_webhook
        api.list_deliveries api.replay_delivery api.get_user api.delete_user
        api.show_usage api.list_keys api.revoke_key openai.get_video
        openai.get_video_content openai.delete_video ark.get ark.delete
        web.delete_prompt web.task web.card web.cancel web.cancel_picture
        web.retry web.delete web.again web.input_picture web.input_thumbnail
        web.reference web.batch web.batch_now web.batch_card web.cancel_batch
        web.retry_batch web.delete_batch web.picture web.family web.replace_link
        web.delete_picture web.join_clips web.take_frame web.input_stage web.collection
        web.delete_collection
        web.share web.replace_share web.end_share web.trashed_thumbnail
        web.restore_task web.purge_task web.revoke_key web.webhook
        web.replay_delivery web.end_session
        """,
    ),
    **all_of(
        Kind.LIST,
        """
        api.list_models api.list_styles openai.list_videos openai.list_models
        ark.list_videos api.show_costs api.list_own_tasks
        web.offer_of_file web.saved_prompts web.prompt_panel web.index
        web.composer web.batches web.tasks web.cancelling web.gallery
        web.all_collections web.shares web.empty_trash web.tidying web.tidy
        web.account web.account_usage web.usage_csv web.costs_csv web.export
        web.save_defaults web.account_data web.delete_account web.account_keys
        web.account_webhooks web.account_security web.lacking_second_factor
        web.begin_second_factor web.set_up_second_factor
        web.renew_recovery_codes web.remove_second_factor web.change_password
        web.end_sessions
        """,
    ),
    **all_of(
        Kind.ADMIN,
        """
        metrics.metrics api.show_queue admin.index admin.audit admin.audit_csv
        admin.failures admin.queue admin.hours admin.usage admin.live
        admin.show_clear admin.settings admin.users admin.clear_progress
        admin.failures_progress admin.new_user admin.user admin.retry_failures
        admin.drop_failures admin.retry_failure admin.drop_failure admin.switch
        admin.clear admin.invite admin.invite_again admin.set_role
        admin.set_email admin.set_quota admin.set_budget admin.disable
        admin.enable admin.end_sessions admin.delete_user
        admin.reset_second_factor admin.shares admin.end_share admin.prices
        admin.add_price admin.remove_price admin.costs_csv
        """,
    ),
    # REST
    "api.create_image_task": listed({"prompt": "x"}),
    "api.create_task": listed({"type": "image", "prompt": "x"}),
    "api.create_video_task": listed({"prompt": "x"}),
    "api.list_images": Route(Kind.OWN, query={"user_id": "{user_id}"}),
    "api.cancel_tasks": listed({"ids": ["{task_id}"]}),
    "api.retry_tasks": listed({"ids": ["{task_id}"]}),
    "api.create_batch": listed({"template": "x"}),
    "api.list_uploads": Route(Kind.OWN, query={"user_id": "{user_id}"}),
    "api.list_batches": Route(Kind.OWN, query={"user_id": "{user_id}"}),
    "api.create_upload": listed(file=PICTURE),
    "api.list_collections": Route(Kind.OWN, query={"user_id": "{user_id}"}),
    "api.create_collection": listed({"name": "x"}),
    "api.rename_collection": own({"name": "x"}),
    "api.change_collection": own({"remove": ["{picture_id}"]}),
    "api.list_shares": Route(Kind.OWN, query={"user_id": "{user_id}"}),
    "api.share": own({"prompts": True}),
    "api.list_prompts": Route(Kind.OWN, query={"user_id": "{user_id}"}),
    "api.save_prompt": listed({"name": "x", "prompt": "x"}),
    "api.change_prompt": own({"name": "x"}),
    "api.list_webhooks": Route(Kind.OWN, query={"user_id": "{user_id}"}),
    "api.create_webhook": listed({"url": "https://example.com/hook"}),
    "api.get_webhook_secret": Route(Kind.OWN, query={"user_id": "{user_id}"}),
    "api.change_webhook": own({"description": "x"}),
    "api.replay_all_deliveries": Route(
        Kind.OWN, {"since": "2026-01-01T00:00:00Z", "user_id": "{user_id}"}
    ),
    "api.replay_deliveries": own({"since": "2026-01-01T00:00:00Z"}),
    "api.create_user": admins(NEW_USER),
    "api.find_users": Route(Kind.OWN, query={"email": "ada@example.com"}),
    "api.update_user": own({"name": "Eve"}),
    "api.create_key": own({"name": "x"}),
    "api.update_key": own({"daily_budget_micros": 1}),
    # As clients of OpenAI's have it
    "openai.generate": listed({"prompt": "x", "n": 9}),  # what would be waited for
    "openai.edit": listed({"prompt": "x"}),  # without a picture
    "openai.create_video": listed({"prompt": "x"}),
    "openai.get_model": own(),  # no model has the name that is asked for
    # As agents have it
    "ark.generate": listed({"prompt": "x", "n": 9, "model": "x"}),
    "ark.create": listed({"content": [{"type": "text", "text": "x"}], "model": "x"}),
    "mcp.handle_message": listed(
        {
            **{"jsonrpc": "2.0", "id": 1, "method": "tools/call"},
            "params": {"name": "cancel_task", "arguments": {"task_id": "{task_id}"}},
        }
    ),
    # Pages
    "web.form_of_file": listed(file=PICTURE),
    "web.name_prompt": listed(prompt="x"),
    "web.save_prompt": listed(prompt="x", name="x"),
    "web.rename_prompt": own(name="x"),
    "web.save_files": listed(words="1"),
    "web.create_video": listed(prompt="x"),
    "web.change_video": listed(prompt="x"),
    "web.create": listed(prompt="x", size="1:1", n="1"),
    "web.changes": Route(Kind.LIST, query={"c": "{mark}"}),
    "web.references": Route(Kind.LIST, query={"image": "{picture_id}"}),
    "web.change_model": listed(prompt="x"),
    "web.give": listed(file=PICTURE),
    "web.new_batch": Route(Kind.OWN, query={"batch": "{batch_id}"}),
    "web.create_batch": listed(template="x", size="1:1", n="1"),
    "web.preview_batch": listed(template="x", size="1:1", n="1"),
    "web.offer_batch": listed(prompt="x\ny", size="1:1", n="1"),
    "web.assist": listed(action="expand", prompt="x"),
    "web.task_changes": Route(Kind.LIST, query={"c": "{mark}"}),
    "web.cancel_tasks": listed(id="{task_id}"),
    "web.retry_tasks": listed(id="{task_id}"),
    "web.favourite": own(on="1"),
    "web.edit_picture": own(act="edit", prompt="x"),
    "web.edit_input": own(act="edit", prompt="x"),
    "web.favourite_many": listed(id="{picture_id}", on="1"),
    "web.compare": listed(id="{picture_id}"),
    "web.create_collection": listed(name=""),  # what two of Bob could not take
    "web.rename_collection": own(name="x"),
    "web.choose_collection": listed(id="{picture_id}"),
    "web.choose_tags": listed(id="{picture_id}"),
    "web.tag_pictures": listed(id="{picture_id}", tag="x"),
    "web.collect": listed(id="{picture_id}", take="{collection_id}"),
    "web.save_share": own(title="x"),
    "web.trash": listed(id="{picture_id}"),
    "web.restore": listed(id="{picture_id}"),
    "web.purge": listed(id="{picture_id}"),
    "web.archive": own(id="{picture_id}"),
    "web.tidy_up": listed(word="删除", n="1"),
    "web.save_profile": listed(name="Bob"),
    "web.make_key": listed(name="x"),
    "web.change_key_limits": own(daily_budget="5"),
    "web.make_webhook": listed(url="https://example.com/hook"),
    "web.act_on_webhook": own(act="test"),
    # The operators'
    "admin.decide_cost": admins(charged="yes"),
}

# How paths begin that are for programs, with a key.
PROGRAMS = ("/api/", "/v1/", "/mcp", "/metrics")
# These end the session of whoever sends them, so they come last.
LAST = ("web.end_sessions", "web.sign_out")


def walk(app: Flask) -> list[tuple[Rule, str]]:
    """Each route with each of its methods."""
    found = [
        (rule, method)
        for rule in app.url_map.iter_rules()
        for method in METHODS
        if method in (rule.methods or ())
    ]
    return sorted(found, key=lambda each: each[0].endpoint in LAST)


def filled(value: object, places: dict[str, str]) -> object:
    """*value* with the names of what is Ada's put in."""
    if isinstance(value, str):
        return value.format_map(places) if "{" in value else value
    if isinstance(value, list):
        return [filled(each, places) for each in value]
    if isinstance(value, dict):
        return {key: filled(each, places) for key, each in value.items()}
    return value


def ask(client, rule: Rule, method: str, places: dict[str, str], key: str = ""):
    """Send what the route's owner could send, with *key* if it is the API's."""
    route = ROUTES[rule.endpoint]
    path = rule.rule
    for name in rule.arguments:
        path = path.replace(placeholder(rule, name), places[name])
    headers = dict(POST)
    if key and path.startswith(PROGRAMS):
        headers["Authorization"] = f"Bearer {key}"
    options: dict = {"query_string": filled(route.query, places), "headers": headers}
    if PICTURE in route.form.values():
        options["data"] = {"file": (io.BytesIO(photo()), PICTURE)}
    elif method != "GET" and path.startswith(PROGRAMS):
        options["json"] = filled(route.json or {}, places)
    elif method != "GET":
        options["data"] = filled(route.form, places)
    return client.open(path, method=method, **options)


def placeholder(rule: Rule, name: str) -> str:
    """``<name>`` as it stands in the rule, with its converter if it has one."""
    (found,) = [p for p in rule.rule.split("<")[1:] if p.split(">")[0].endswith(name)]
    return "<" + found.split(">")[0] + ">"

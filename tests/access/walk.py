"""
Every route of the application, asked by those who should not get through.

`ROUTES` says of each endpoint what kind it is; a route without an entry fails the
test that walks them. ``python -m pytest -s tests/access/test_walk.py`` prints the
table.
"""

from dataclasses import dataclass, field
from enum import StrEnum

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


def public() -> Route:
    return Route(Kind.PUBLIC)


def own(json: dict | None = None, **form: object) -> Route:
    return Route(Kind.OWN, json, form)


def listed(json: dict | None = None, **form: object) -> Route:
    return Route(Kind.LIST, json, form)


def admins(json: dict | None = None, **form: object) -> Route:
    return Route(Kind.ADMIN, json, form)


NEW_USER = {"email": "new@example.com", "name": "New"}
ROUTES: dict[str, Route] = {
    "static": public(),
    "health.health": public(),
    "health.ready": public(),
    "openapi.document": public(),
    "openapi.page": public(),
    "web.stylesheet": public(),
    "web.manifest": public(),
    "web.worker": public(),
    "web.offline": public(),
    "web.sign_in": public(),
    "web.do_sign_in": public(),
    "web.check_code": public(),
    "web.sign_out": public(),
    "web.choose_language": public(),
    "web.choose_theme": public(),
    "web.invitation": Route(Kind.LINK),
    "web.accept_invitation": Route(Kind.LINK),
    "web.image": Route(Kind.LINK),
    "web.thumbnail": Route(Kind.LINK),
    "web.preview": Route(Kind.LINK),
    "web.video": Route(Kind.LINK),
    "web.last_frame": Route(Kind.LINK),
    "web.input_link": Route(Kind.LINK),
    "web.shared": Route(Kind.LINK),
    "web.shared_picture": Route(Kind.LINK),
    "web.shared_file": Route(Kind.LINK),
    # REST
    "api.create_image_task": listed({"prompt": "x"}),
    "api.create_task": listed({"type": "image", "prompt": "x"}),
    "api.create_video_task": listed({"prompt": "x"}),
    "api.get_result": own(),
    "api.get_video_result": own(),
    "api.list_images": Route(Kind.OWN, query={"user_id": "{user_id}"}),
    "api.delete_task": own(),
    "api.get_task": own(),
    "api.list_tasks": own(),
    "api.follow_task": own(),
    "api.cancel_task": own(),
    "api.cancel_picture": own(),
    "api.retry_task": own(),
    "api.cancel_tasks": listed({"ids": ["{task_id}"]}),
    "api.retry_tasks": listed({"ids": ["{task_id}"]}),
    "api.create_batch": listed({"template": "x"}),
    "api.list_batches": Route(Kind.OWN, query={"user_id": "{user_id}"}),
    "api.get_batch": own(),
    "api.follow_batch": own(),
    "api.list_batch_tasks": own(),
    "api.cancel_batch": own(),
    "api.retry_batch": own(),
    "api.delete_batch": own(),
    "api.create_upload": listed(file=PICTURE),
    "api.get_upload": own(),
    "api.get_upload_content": own(),
    "api.delete_upload": own(),
    "api.list_collections": Route(Kind.OWN, query={"user_id": "{user_id}"}),
    "api.create_collection": listed({"name": "x"}),
    "api.get_collection": own(),
    "api.rename_collection": own({"name": "x"}),
    "api.delete_collection": own(),
    "api.change_collection": own({"remove": ["{picture_id}"]}),
    "api.list_pictures": own(),
    "api.list_shares": Route(Kind.OWN, query={"user_id": "{user_id}"}),
    "api.get_share": own(),
    "api.share": own({"prompts": True}),
    "api.replace_share": own(),
    "api.end_share": own(),
    "api.list_prompts": Route(Kind.OWN, query={"user_id": "{user_id}"}),
    "api.save_prompt": listed({"name": "x", "prompt": "x"}),
    "api.get_prompt": own(),
    "api.change_prompt": own({"name": "x"}),
    "api.delete_prompt": own(),
    "api.list_webhooks": Route(Kind.OWN, query={"user_id": "{user_id}"}),
    "api.create_webhook": listed({"url": "https://example.com/hook"}),
    "api.get_webhook_secret": Route(Kind.OWN, query={"user_id": "{user_id}"}),
    "api.get_webhook": own(),
    "api.change_webhook": own({"description": "x"}),
    "api.delete_webhook": own(),
    "api.rotate_webhook": own(),
    "api.test_webhook": own(),
    "api.list_deliveries": own(),
    "api.replay_delivery": own(),
    "api.replay_deliveries": own({"since": "2026-01-01T00:00:00Z"}),
    "api.create_user": admins(NEW_USER),
    "api.find_users": Route(Kind.OWN, query={"email": "ada@example.com"}),
    "api.get_user": own(),
    "api.update_user": own({"name": "Eve"}),
    "api.delete_user": own(),
    "api.show_usage": own(),
    "metrics.metrics": admins(),
    "api.create_key": own({"name": "x"}),
    "api.list_keys": own(),
    "api.update_key": own({"daily_budget_micros": 1}),
    "api.revoke_key": own(),
    "api.list_models": listed(),
    "api.list_styles": listed(),
    "api.show_queue": admins(),
    # As clients of OpenAI's have it
    "openai.generate": listed({"prompt": "x", "n": 9}),  # what would be waited for
    "openai.edit": listed({"prompt": "x"}),  # without a picture
    "openai.create_video": listed({"prompt": "x"}),
    "openai.get_video": own(),
    "openai.list_videos": listed(),
    "openai.get_video_content": own(),
    "openai.delete_video": own(),
    "openai.list_models": listed(),
    "openai.get_model": own(),  # no model has the name that is asked for
    # As agents have it
    "ark.generate": listed({"prompt": "x", "n": 9, "model": "x"}),
    "ark.list_videos": listed(),
    "ark.create": listed({"content": [{"type": "text", "text": "x"}], "model": "x"}),
    "ark.get": own(),
    "ark.delete": own(),
    "mcp.handle_message": listed(
        {
            **{"jsonrpc": "2.0", "id": 1, "method": "tools/call"},
            "params": {"name": "cancel_task", "arguments": {"task_id": "{task_id}"}},
        }
    ),
    # Pages
    "web.offer_of_file": listed(),
    "web.form_of_file": listed(file=PICTURE),
    "web.saved_prompts": listed(),
    "web.prompt_panel": listed(),
    "web.name_prompt": listed(prompt="x"),
    "web.save_prompt": listed(prompt="x", name="x"),
    "web.rename_prompt": own(name="x"),
    "web.delete_prompt": own(),
    "web.save_files": listed(words="1"),
    "web.index": listed(),
    "web.create_video": listed(prompt="x"),
    "web.change_video": listed(prompt="x"),
    "web.create": listed(prompt="x", size="1:1", n="1"),
    "web.changes": Route(Kind.LIST, query={"c": "{mark}"}),
    "web.task": own(),
    "web.card": own(),
    "web.cancel": own(),
    "web.cancel_picture": own(),
    "web.retry": own(),
    "web.delete": own(),
    "web.again": own(),
    "web.composer": listed(),
    "web.references": Route(Kind.LIST, query={"image": "{picture_id}"}),
    "web.change_model": listed(prompt="x"),
    "web.give": listed(file=PICTURE),
    "web.input_picture": own(),
    "web.input_thumbnail": own(),
    "web.reference": own(),
    "web.new_batch": Route(Kind.OWN, query={"batch": "{batch_id}"}),
    "web.create_batch": listed(template="x", size="1:1", n="1"),
    "web.preview_batch": listed(template="x", size="1:1", n="1"),
    "web.offer_batch": listed(prompt="x\ny", size="1:1", n="1"),
    "web.assist": listed(action="expand", prompt="x"),
    "web.batches": listed(),
    "web.batch": own(),
    "web.batch_now": own(),
    "web.batch_card": own(),
    "web.cancel_batch": own(),
    "web.retry_batch": own(),
    "web.delete_batch": own(),
    "web.tasks": listed(),
    "web.cancelling": listed(),
    "web.task_changes": Route(Kind.LIST, query={"c": "{mark}"}),
    "web.cancel_tasks": listed(id="{task_id}"),
    "web.retry_tasks": listed(id="{task_id}"),
    "web.picture": own(),
    "web.family": own(),
    "web.favourite": own(on="1"),
    "web.replace_link": own(),
    "web.delete_picture": own(),
    "web.edit_picture": own(act="edit", prompt="x"),
    "web.input_stage": own(),
    "web.edit_input": own(act="edit", prompt="x"),
    "web.gallery": listed(),
    "web.favourite_many": listed(id="{picture_id}", on="1"),
    "web.compare": listed(id="{picture_id}"),
    "web.all_collections": listed(),
    "web.create_collection": listed(name=""),  # what two of Bob could not take
    "web.collection": own(),
    "web.rename_collection": own(name="x"),
    "web.delete_collection": own(),
    "web.choose_collection": listed(id="{picture_id}"),
    "web.choose_tags": listed(id="{picture_id}"),
    "web.tag_pictures": listed(id="{picture_id}", tag="x"),
    "web.collect": listed(id="{picture_id}", take="{collection_id}"),
    "web.shares": listed(),
    "web.share": own(),
    "web.save_share": own(title="x"),
    "web.replace_share": own(),
    "web.end_share": own(),
    "web.trash": listed(id="{picture_id}"),
    "web.restore": listed(id="{picture_id}"),
    "web.purge": listed(id="{picture_id}"),
    "web.archive": own(id="{picture_id}"),
    "web.trashed_thumbnail": own(),
    "web.restore_task": own(),
    "web.purge_task": own(),
    "web.empty_trash": listed(),
    "web.tidying": listed(),
    "web.tidy": listed(),
    "web.tidy_up": listed(word="删除", n="1"),
    "web.account": listed(),
    "web.account_usage": listed(),
    "web.usage_csv": listed(),
    "web.costs_csv": listed(),
    "web.export": listed(),
    "web.save_profile": listed(name="Bob"),
    "web.save_defaults": listed(),
    "web.account_data": listed(),
    "web.delete_account": listed(),
    "web.account_keys": listed(),
    "web.make_key": listed(name="x"),
    "web.revoke_key": own(),
    "web.change_key_budgets": own(daily_budget="5"),
    "web.account_webhooks": listed(),
    "web.make_webhook": listed(url="https://example.com/hook"),
    "web.webhook": own(),
    "web.act_on_webhook": own(act="test"),
    "web.replay_delivery": own(),
    "web.account_security": listed(),
    "web.lacking_second_factor": listed(),
    "web.begin_second_factor": listed(),
    "web.set_up_second_factor": listed(),
    "web.renew_recovery_codes": listed(),
    "web.remove_second_factor": listed(),
    "web.change_password": listed(),
    "web.end_sessions": listed(),
    "web.end_session": own(),
    # The operators'
    **dict.fromkeys(
        (
            *(
                "admin.index",
                "admin.audit",
                "admin.audit_csv",
                "admin.failures",
                "admin.queue",
            ),
            *("admin.hours", "admin.usage"),
            *("admin.live", "admin.show_clear", "admin.settings", "admin.users"),
            *("admin.clear_progress", "admin.failures_progress"),
            *("admin.new_user", "admin.user"),
        ),
        Route(Kind.ADMIN),
    ),
    **dict.fromkeys(
        (
            *("admin.retry_failures", "admin.drop_failures", "admin.retry_failure"),
            *("admin.drop_failure", "admin.switch", "admin.clear", "admin.invite"),
            *(
                "admin.invite_again",
                "admin.set_role",
                "admin.set_email",
                "admin.set_quota",
                "admin.set_budget",
            ),
            *("admin.disable", "admin.enable", "admin.end_sessions"),
            *("admin.delete_user", "admin.reset_second_factor"),
            *("admin.shares", "admin.end_share"),
            *("admin.prices", "admin.add_price", "admin.remove_price"),
            "admin.costs_csv",
        ),
        Route(Kind.ADMIN),
    ),
    "admin.decide_cost": admins(charged="yes"),
}

"""The OpenAPI document: smorest's, completed with texts, keys, errors and models."""

import json
import re
from collections.abc import Callable
from threading import Lock
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin, OpenAPIConverter
from flask_smorest import Api, Blueprint
from flask_smorest.spec import openapi_cli
from flask_smorest.spec.plugins import FlaskPlugin

from jimeng import jobs
from jimeng.api.openapi import errors
from jimeng.api.openapi.parts import (
    as_text,
    described,
    shaped,
    shared_components,
    translated,
)
from jimeng.config.version import VERSION
from jimeng.i18n import LANGUAGES, language
from jimeng.providers.models import Makes

TITLE = "jimeng API"  # ASCII in both languages: generators name packages after it
DESCRIPTION = (
    "异步生成图片和视频：提交任务，按 `Retry-After` 轮询，取回结果。\n\n"
    '成功是 `{"success": true, "data": …}`，失败是 `{"success": false, '
    '"error": "代码", "message": "说明", "request_id": "…"}`，'
    "参数错误另有 `errors`。\n\n"
    "`message` 默认中文，`Accept-Language` 偏好英文时为英文。"
    "时间都是 UTC，以 `Z` 结尾。整数也可以写成 2.0。"
    "请求体和查询中不认识的字段、出现两次的查询参数是 422；"
    "文字里的 NUL 和半个代理对也是。"
    "本文档的语言同样由 `Accept-Language` 决定。\n\n"
    "`/v1` 与 OpenAI 的图像接口兼容，成功和失败的响应都与它一致。\n\n"
    "`POST /mcp` 给智能体使用，不在本文档里：它用 Model Context Protocol "
    "（JSON-RPC 2.0）说明有哪些工具（`tools/list`），密钥与这里相同。见 "
    "<https://modelcontextprotocol.io>。\n\n"
    "`/api/v3/contents/generations/tasks` 给使用方舟 SDK 的程序，"
    "也不在本文档里：它与方舟的接口相同，见 "
    "<https://www.volcengine.com/docs/82379/1520757>。",
    "Asynchronous generation of pictures and videos: submit a task, poll it by "
    "`Retry-After`, get the result.\n\n"
    'A success is `{"success": true, "data": …}`, a failure is `{"success": false, '
    '"error": "code", "message": "sentence", "request_id": "…"}`, with `errors` '
    "by field for invalid parameters.\n\n"
    "`message` is Chinese unless `Accept-Language` prefers English. Times are UTC "
    "and end in `Z`. An integer may be written 2.0. Unknown fields in bodies and "
    "queries are 422, and so is a repeated query parameter, or text that contains "
    "NUL or a lone surrogate. The language of this document follows "
    "`Accept-Language`, too.\n\n"
    "`/v1` is compatible with OpenAI's images API, in successes and in errors.\n\n"
    "`POST /mcp` is for agents and not part of this document: it describes its tools "
    "itself (`tools/list`) by the Model Context Protocol (JSON-RPC 2.0), and accepts "
    "the same keys. See <https://modelcontextprotocol.io>.\n\n"
    "`/api/v3/contents/generations/tasks` is for programs that make videos with Ark's "
    "SDK, and not part of it either: it is as Ark describes it, see "
    "<https://www.volcengine.com/docs/82379/1520757>.",
)
API_KEY = (
    "账号页面或 `POST /api/v1/users/{user_id}/keys` 创建的 API 密钥",
    "An API key, from the account page or `POST /api/v1/users/{user_id}/keys`",
)
# Schema of a request -> what its models make.
MAKING: dict[str, Makes] = {
    "NewImageTask": "image",
    "NewGeneralTask": "image",
    "NewBatch": "image",
    "NewVideoTask": "video",
}
TAGS: dict[str, tuple[str, str]] = {
    "images": ("创建任务、取回图片", "Create image tasks and get their pictures."),
    "videos": ("创建视频任务、取回视频", "Create video tasks and get their videos."),
    "tasks": ("查看、取消、重试任务", "Read, cancel and retry tasks."),
    "batches": (
        "一次提交很多提示词：查看进度、取消、重试缺少的",
        "Batches of prompts: create, follow, cancel, retry what is missing.",
    ),
    "uploads": ("上传图片，供任务使用", "Upload pictures for tasks to use."),
    "collections": (
        "把图片放进相册，分享相册或单张图片",
        "Organise pictures in collections; share collections and pictures.",
    ),
    "prompts": (
        "起了名字存下的提示词和设置",
        "Saved prompts with their settings.",
    ),
    "webhooks": (
        "任务结束时通知你的程序：地址、密钥、投递记录和补发",
        "Notify your programs when tasks end: endpoints, secrets, the log, replays.",
    ),
    "users": ("用户、用量和 API 密钥", "Users, their usage, and their API keys."),
    "openai": (
        "给使用 OpenAI 图像接口的客户端：字段、响应和错误都与它一致",
        "For clients of OpenAI's images API, with its fields, responses and errors.",
    ),
    "system": ("模型、风格、队列、健康", "Models, styles, the queue, health."),
}


class Converter(OpenAPIConverter):
    """Adds descriptions of fields, and the rules of schemas across fields."""

    def init_attribute_functions(self) -> None:
        super().init_attribute_functions()
        self.attribute_functions.remove(self.field2default)
        self.add_attribute_function(described)
        self.add_attribute_function(as_text)
        self.add_attribute_function(shaped)

    def schema2jsonschema(self, schema: Any) -> dict:
        return super().schema2jsonschema(schema) | getattr(schema, "rules", {})


class Plugin(MarshmallowPlugin):
    Converter = Converter


class Document(APISpec):
    """
    The document in the request's language. Building it takes longer than the rest of
    startup, so it is built on the first request.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._later: list[Callable[[], None]] = []
        self._describing = Lock()

    def describe_later(self, describe: Callable[[], None]) -> None:
        self._later.append(describe)

    def to_dict(self) -> dict[str, Any]:
        with self._describing:
            while self._later:
                self._later.pop(0)()
            found = super().to_dict()
        used = re.findall(r"#/components/examples/(\w+)", json.dumps(found))
        found["components"]["examples"] = {
            code: errors.example(code) for code in sorted(set(used))
        }
        found["tags"] = [{"name": n, "description": w} for n, w in TAGS.items()]
        chosen = translated(found, LANGUAGES.index(language()))
        for name, makes in MAKING.items():
            models = sorted({m.id for m in jobs.runtime().registry.making(makes)})
            field = chosen["components"]["schemas"][name]["properties"]["model"]
            field.update({"examples": models} if models else {})
        return chosen


class DescribedApi(Api):
    """smorest's `Api` with our `Document`."""

    DEFAULT_ERROR_RESPONSE_NAME = None  # each operation names its own

    def register_blueprint(
        self, blp: Blueprint, *, parameters: list | None = None, **options: Any
    ) -> None:
        """As smorest's, but views are described on the first request."""
        name = options.get("name", blp.name)
        self._app.extensions["flask-smorest"]["blp_name_to_api"][name] = self
        self._app.register_blueprint(blp, **options)
        views = blp.register_views_in_doc
        doc = {"name": name, "parameters": parameters}
        self.spec.describe_later(lambda: views(self, self._app, self.spec, **doc))

    def _init_spec(self, **options: Any) -> None:
        self.flask_plugin, self.ma_plugin = FlaskPlugin(), Plugin()
        parts: dict = shared_components()
        whole: dict = {"components": parts}
        if self._app.config["JIMENG"].sign_in:
            key = {"type": "http", "scheme": "bearer"}
            parts["securitySchemes"] = {"ApiKey": {**key, "description": API_KEY}}
            whole["security"] = [{"ApiKey": []}]
        self.spec = Document(
            "",
            VERSION,
            "3.1.0",
            [self.flask_plugin, self.ma_plugin],
            info={
                "title": TITLE,
                "description": DESCRIPTION,
                "license": {"name": "MIT", "identifier": "MIT"},
            },
            servers=[{"url": "/"}],
            **whole,
        )
        self._app.cli.add_command(openapi_cli)

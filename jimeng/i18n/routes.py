"""
What each request does, in Chinese; in English the view says it itself.

By endpoint: the first line is the summary.
"""

from jimeng.i18n.batch_routes import BATCHES

ROUTES: dict[str, str] = {
    **BATCHES,
    "api.create_image_task": """创建图像任务

立即返回任务，状态为 pending。隔 `Retry-After` 秒查询 `Location`，直到状态为
`completed`、`failed` 或 `cancelled`。1 到 4 张图片，每张单独提交、单独计费。
带 `Prefer: wait=60` 时等到结束再回答，来得及就是带图片的 200。
带 `?dry_run=1` 时什么也不创建、不占用、不保存：只检查请求，
以 200 回答模型、张数和价格。""",
    "api.create_task": """创建任务（通用形式）

该类型的字段写在 `type` 旁边，或写在 `input` 里；
`delay` 是多少秒之后才可以开始；带 `?dry_run=1` 只问价格。""",
    "api.get_result": """查询任务结果

任务存在就是 200，失败的任务也是：问题得到了回答。未结束时带 `Retry-After`。
`ETag` 和 `If-None-Match` 让轮询更省；带 `Prefer: wait=60` 时，等到任务结束或时间用完
才回答。""",
    "api.list_images": """按页列出用户的任务

最新的在前。最新的 1000 条之外请用按 cursor 的列表。""",
    "api.delete_task": """删除任务和图片

未结束的先取消。""",
    "api.create_key": """创建 API 密钥

密钥只在这个回答里出现一次。新密钥的权限不能超过创建者：`read` 只能查看，
`write` 还能创建、取消和删除，`admin` 对所有人有效，只有管理员才有。""",
    "api.list_keys": """列出用户的 API 密钥

最新的在前：名称、开头几个字符、最近一次使用。""",
    "api.revoke_key": """撤销 API 密钥

此后用它的请求都会被拒绝。""",
    "api.show_usage": """查看用户的用量

按天（UTC）、模型和结果列出图片数，以及其中计费的多少。`from` 和 `to` 都包含在内，
最多 366 天，不写则是最近 30 天。图片算在它结束的那一天，任务里的每张分别计，
删除了的也算。很长的历史在第一次清点完之前，`complete` 为 false，
有些日子还没有列出。""",
    "api.list_models": """列出模型

本服务器提供哪些模型，各自接受什么。""",
    "api.list_styles": """列出有名称的风格

`style` 写其中的 id 或名称时，展开成它的 `phrase`。""",
    "api.get_task": """查看整个任务

包括参数、各步的时间、服务方的任务 id、提交次数。""",
    "api.list_tasks": """列出用户的任务

最新的在前。下一页在 `Link` 和 `next_cursor` 里；再深的页也一样快。""",
    "api.follow_task": """跟随任务

服务器发送事件（SSE）：任务一有变化就告知。事件名是 `task`，`data` 与查询结果相同，
`id` 是毫秒时间。每次连接都立即告知现状；任务结束或两分钟后流结束。
没有空位时是 429：请改为隔几秒查询一次。""",
    "api.cancel_task": """取消任务

等待中的图片不再提交。服务方已经开始的图片计费一次，不再显示。已结束的任务是 409。""",
    "api.cancel_picture": """取消一张图片

取消还在等待的一张（从 0 数起），其余照常。它不再提交，也不计费；
其余都结束后任务也就结束。""",
    "api.retry_task": """重试任务

已结束的任务缺的图片作为新任务再次生成。失败的图片已经或可能已经计费时
（`charged` 为 `yes` 或 `unknown`），`accept_double_charge` 必须为 true，
否则是 409 `may_be_charged_twice`。
带 `?dry_run=1` 时什么也不创建，以 200 回答张数和价格。""",
    "api.cancel_tasks": """批量取消任务

用 `ids` 指定最多 100 个，或用 `status` 和 `user_id`
选择这个用户处于该状态的最新 100 个。
各任务互不影响，`results` 逐个说明结果。""",
    "api.retry_tasks": """批量重试任务

选择方式同批量取消，成功的各有新任务的 id。已经或可能已经计费的，
要 `accept_double_charge` 为 true 才重试，否则各自答 `may_be_charged_twice`。
带 `Idempotency-Key` 可以放心重发：已经创建的不会再创建，
来不及的（`out_of_time`）继续创建。""",
    "api.create_user": """创建用户

邮箱不分大小写，一个邮箱只属于一个用户。""",
    "api.find_users": """按邮箱查找用户，或列出全部

带 `email` 时，`data` 是这一个用户。不带时是全部用户的列表，最新的在前，仅管理员可用；
下一页在 `Link` 和 `next_cursor` 里。""",
    "api.get_user": """查看用户""",
    "api.update_user": """修改用户

邮箱、名称，或两者。""",
    "api.delete_user": """删除用户

任务和图片一并删除，正在运行的先取消。""",
    "api.create_upload": """上传图片

给任务的 `images` 或 `mask` 使用。JPEG、PNG 或 WebP，最多 16 MiB、四千万像素
（JPEG 一亿）。图片会转正、转成 sRGB、每边最多 4096 像素，元数据全部去掉；
原文件不保留。带 `Idempotency-Key` 可以放心重发同一个文件：
一天之内同一个键得到同一个上传。""",
    "api.get_upload": """查看上传的图片

尺寸，以及保留到什么时候。""",
    "api.get_upload_content": """取回上传的图片

保存下来的样子，只给它的主人。""",
    "api.delete_upload": """删除上传的图片

用到它的任务照常进行；没有任务用它时，图片本身随后删除。""",
    "api.list_collections": """列出相册

最近放过图片的在前，各有图片数和最新的一张。下一页在 `Link` 和 `next_cursor` 里。""",
    "api.create_collection": """新建相册

同一用户的名称不能重复，不分大小写；最多 200 个。""",
    "api.get_collection": """查看相册

名称、图片数和最新的一张。""",
    "api.rename_collection": """重命名相册""",
    "api.delete_collection": """删除相册

图片都还在，只是不再属于它；它的分享页随之结束。""",
    "api.change_collection": """放入和移出图片

先移出 `remove`，再放入 `add`，重复也无妨。回收站里的、别人的图片当作没有。
已经属于 20 个相册的图片不再放入，算在 `left_out` 里。""",
    "api.list_pictures": """列出相册的图片

最新的在前。下一页在 `Link` 和 `next_cursor` 里；再深的页也一样快。""",
    "api.list_shares": """列出分享

最新的在前，各有链接和它显示什么。""",
    "api.get_share": """查看分享

`share_id` 就是所分享的相册或图片的 id。""",
    "api.share": """分享相册或图片

`share_id` 是相册或图片的 id，已经分享的则修改写出的字段。知道链接的人不用登录就能看到
这个页面：标题、图片，以及 `prompts` 为 true 时的提示词，别的都看不到。
回收站里的和已删除的图片自动消失。""",
    "api.replace_share": """更换分享链接

旧链接立即失效，页面上每张图片的地址也一样。""",
    "api.end_share": """停止分享

链接立即失效，相册和图片不变。""",
    "api.list_prompts": """列出存下的提示词

最新的在前；最多 200 条，一次全部给出。""",
    "api.save_prompt": """存下提示词

起个名字，连同设置一起存下。字段与创建任务的相同，可以原样提交。名字可以重复；
每个用户最多 200 条。""",
    "api.get_prompt": """查看存下的提示词""",
    "api.change_prompt": """修改存下的提示词

名字、提示词或设置。没写的不变，写成 null 的设置去掉。""",
    "api.delete_prompt": """删除存下的提示词

任务和图片不变。""",
    "api.show_queue": """查看队列

等待、运行、结束的各有多少，谁在工作。计数都以图片为单位，四张的任务算四。
日期按 UTC。仅管理员可用。""",
    "openai.generate": """按提示词画图（与 OpenAI 的接口相同）

画好才回答；带 `stream` 时是事件流，每张图一个事件。断线后自己重发的客户端，
得到的是先前那个任务的图片。不认识的字段会被忽略，`null` 当作没写，数字也可以写成文字；
只有本服务器才有的字段也可以放在 `extra_body` 或 `extra_fields` 里。""",
    "openai.edit": """用图片画图（与 OpenAI 的接口相同）

表单里的图片是名为 `image`、`image[]` 或 `image[0]` 的文件；JSON 里是 `images`
（或 `image`）。其余与不带图片时相同。""",
    "openai.list_models": """列出模型（与 OpenAI 的接口相同）

本服务器提供、这个密钥可以使用的模型。""",
    "openai.get_model": """查看一个模型（与 OpenAI 的接口相同）

`name` 可以是它的任何一个名称。""",
    "metrics.metrics": """Prometheus 指标

队列、通道、结束的图片、工作进程。计数都以图片为单位，由哪个进程回答都一样。
MongoDB 不可用时只有 `jimeng_mongodb_up 0` 等少数几项。
启用登录后，密钥需要 `admin` 权限。""",
    "health.health": """进程是否在运行

不访问数据库。""",
    "health.ready": """是否就绪

任务需要的一切都在：200；否则 503 并说明缺少什么。""",
}

TAGS: dict[str, tuple[str, str]] = {
    "images": ("创建任务、取回图片", "Ask for pictures, collect them."),
    "tasks": ("查看、取消、重试任务", "Look at tasks, cancel them, run them again."),
    "batches": (
        "一次提交很多提示词，看进度，取消，补上缺的",
        "Many prompts at once: ask, follow, cancel, run again what is lacking.",
    ),
    "uploads": ("上传图片，供任务使用", "Give pictures for tasks to use."),
    "collections": (
        "把图片放进相册，分享相册或单张图片",
        "Put pictures into collections; share collections and pictures.",
    ),
    "prompts": (
        "起了名字存下的提示词和设置",
        "Prompts that are kept under a name, with their settings.",
    ),
    "users": ("用户、用量和 API 密钥", "Users, their usage, and their API keys."),
    "openai": (
        "给使用 OpenAI 图像接口的客户端：字段、应答和错误都是它的样子",
        "For clients of OpenAI's images API: fields, answers and errors are as theirs.",
    ),
    "system": ("模型、风格、队列、健康", "Models, styles, the queue, health."),
}

REQUEST_TEXTS: dict[str, tuple[str, str]] = {
    # ASCII in both languages: generators name packages after it.
    "title": ("jimeng API", "jimeng API"),
    "description": (
        "异步生成图像：提交任务，按 `Retry-After` 轮询，取回图片。\n\n"
        '成功是 `{"success": true, "data": …}`，失败是 `{"success": false, '
        '"error": "代码", "message": "说明", "request_id": "…"}`，'
        "参数错误另有 `errors`。\n\n"
        "`message` 默认中文，`Accept-Language` 偏好英文时为英文。"
        "时间都是 UTC，以 `Z` 结尾。整数也可以写成 2.0。"
        "请求体和查询中不认识的字段、出现两次的查询参数是 422；"
        "文字里的 NUL 和半个代理对也是。"
        "本文档的语言同样由 `Accept-Language` 决定。\n\n"
        "`/v1` 与 OpenAI 的图像接口相同，成功和失败都是它的样子。\n\n"
        "`POST /mcp` 给智能体使用，不在本文档里：它用 Model Context Protocol "
        "（JSON-RPC 2.0）自己说明有哪些工具（`tools/list`），密钥与这里相同。见 "
        "https://modelcontextprotocol.io 。",
        "Pictures, asynchronously: submit a task, poll by `Retry-After`, collect the "
        "pictures.\n\n"
        'A success is `{"success": true, "data": …}`, a failure is `{"success": false, '
        '"error": "code", "message": "sentence", "request_id": "…"}`, with `errors` '
        "by field where some are wrong.\n\n"
        "`message` is Chinese unless `Accept-Language` prefers English. Times are UTC "
        "and end in `Z`. An integer may be written 2.0. Unknown fields in bodies and "
        "queries are 422, and so is a query parameter that is there twice, or a text "
        "with NUL or half of a surrogate pair in it. The language of this document "
        "follows `Accept-Language`, too.\n\n"
        "Under `/v1` it is OpenAI's images API: successes and failures have its "
        "shapes.\n\n"
        "`POST /mcp` is for agents and not part of this document: by the Model Context "
        "Protocol (JSON-RPC 2.0) it says itself which tools there are (`tools/list`), "
        "and takes the same keys. See https://modelcontextprotocol.io .",
    ),
    "path.name": ("模型的名称", "The model's name"),
    "path.task_id": ("任务 id", "The task's id"),
    "path.index": ("任务的第几张，从 0 数起", "Which picture of the task, from 0"),
    "path.upload_id": ("上传的图片的 id", "The upload's id"),
    "path.collection_id": ("相册的 id", "The collection's id"),
    "path.prompt_id": ("存下的提示词的 id", "The saved prompt's id"),
    "path.share_id": (
        "所分享的相册或图片的 id",
        "The id of the collection or of the picture that is shared",
    ),
    "path.user_id": ("用户 id", "The user's id"),
    "path.key_id": ("密钥的 id", "The key's id"),
    "api_key": (
        "账号页面或 `POST /api/v1/users/{user_id}/keys` 创建的 API 密钥",
        "An API key, made on the account page or by "
        "`POST /api/v1/users/{user_id}/keys`",
    ),
    "X-Request-ID": (
        "请求的 id；1 到 128 个字母、数字或 . _ : - 的会被采用，否则由服务器生成",
        "A name for the request. One of 1 to 128 letters, digits and . _ : - is kept, "
        "else one is made",
    ),
    "Accept-Language": ("说明文字的语言：zh 或 en", "Language of the words: zh or en"),
    "If-None-Match": (
        "上次的 ETag；没有变化时为 304",
        "The ETag of last time: 304 where nothing has changed",
    ),
    "Idempotency-Key": (
        "1 到 255 个可见 ASCII 字符。24 小时内，同一用户、同一键、同样的请求"
        "只创建一次，重复时得到第一次的应答",
        "1 to 255 visible ASCII characters. Within 24 hours the same key with the same "
        "request of the same user creates once; repetitions get the first answer",
    ),
    "Prefer": (
        "wait=秒数：等到任务结束再回答，最多 60 秒；没有空位等，或任务在那之后才开始"
        "（delay）时，和平常一样立即回答",
        "wait=SECONDS: answer once the task has ended, or after that many, 60 at the "
        "most. Without a free place, and for a task that starts later (delay), the "
        "answer comes at once, as it would otherwise",
    ),
    "Preference-Applied": (
        "wait=秒数：按这个等过；没有等时不出现",
        "wait=SECONDS: this was waited for. Absent if it was not",
    ),
    "Cache-Control": ("不要保存，也不要改动", "Neither to be kept nor changed"),
    "Idempotent-Replayed": (
        "true：任务由先前同键的请求创建",
        "true: an earlier request with this key has made the task",
    ),
    "Location": ("新资源的地址", "Where the new resource is"),
    "Retry-After": ("多少秒后再问", "Seconds after which to ask again"),
    "Link": (
        '下一页，rel="next"；没有下一页时不出现',
        'The next page, rel="next", if any',
    ),
    "ETag": ("应答的标签", "Tag of the answer"),
    "RateLimit-Policy": (
        "有哪些限制：requests 是请求数，submissions 是任务数，"
        "daily-pictures 是图片数（按 UTC 日）；"
        "q 是上限，w 是窗口的秒数。没有限制时不出现",
        "The limits there are: requests counts requests, submissions tasks, "
        "daily-pictures pictures of a day in UTC; q is how many, w the window in "
        "seconds. Absent if there is none",
    ),
    "RateLimit": (
        "各项限制还剩多少（r），多少秒后重新计算（t）",
        "How much is left of each limit (r), and seconds until it begins anew (t)",
    ),
    "ok": ("成功", "Success"),
    "once_ended": (
        "等到了：任务已经结束（`Prefer: wait`）",
        "Waited for: the task has ended (`Prefer: wait`)",
    ),
    "once_ended_or_dry_run": (
        "等到了：任务已经结束（`Prefer: wait`）；或者只是估价（`dry_run`）",
        "Waited for: the task has ended (`Prefer: wait`). Or an estimate (`dry_run`)",
    ),
    "dry_run": ("只是估算（`dry_run`）", "An estimate (`dry_run`)"),
    "not_modified": ("没有变化", "Nothing has changed"),
}

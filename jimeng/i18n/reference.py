"""
What each field means, for the description of the API.

``field.<name>``, or ``field.<schema>.<name>`` where one name means two things.
"""

from jimeng.i18n.reference_usage import USAGE_FIELDS
from jimeng.i18n.reference_users import USER_FIELDS

_FIELDS: dict[str, tuple[str, str]] = {
    # What is asked for.
    "prompt": (
        "提示词：想画什么。去掉首尾空白后 1 到模型允许的字符数（一般 800），含风格的词",
        "What the picture shows. After trimming 1 to as many characters as the model "
        "takes (mostly 800), the words of the style included",
    ),
    "model": (
        "模型的名称或别名，见 GET /api/v1/models；不写就用默认模型",
        "A model's name or alias, see GET /api/v1/models; left out, the default one",
    ),
    "size": (
        "尺寸：宽x高（如 1024x1024）、比例（1:1 4:3 3:4 3:2 2:3 16:9 9:16 21:9），"
        "或模型的名称（1K 2K 4K）；由模型检查",
        "WIDTHxHEIGHT such as 1024x1024, a ratio (1:1 4:3 3:4 3:2 2:3 16:9 9:16 21:9), "
        "or what the model names (1K 2K 4K); the model's limits hold",
    ),
    "quality": (
        "standard，或 hd：取该比例最大的面积；只在没有 size 或 size 是比例时起作用",
        "standard, or hd: the largest area for the ratio. Acts only where size is left "
        "out or is a ratio",
    ),
    "style": (
        "风格：GET /api/v1/styles 中的 id 或名称展开成 phrase，"
        "其他文字原样加在提示词后",
        "An id or a name of GET /api/v1/styles becomes its phrase; other text is put "
        "behind the prompt as it stands",
    ),
    "n": (
        "图片张数，每张单独提交、单独计费",
        "Pictures; each is submitted and charged by itself",
    ),
    "seed": (
        "随机种子；-1 由服务器选。用过的种子在结果里",
        "Seed; -1 has the server draw one. The one that was used is in the result",
    ),
    "negative_prompt": (
        "目前的模型都没有反向提示词：给出即 422",
        "None of today's models takes one: 422 where it is given",
    ),
    "ImageFields.images": (
        "参考图的地址；尚不支持，给出即 422 not_supported_yet",
        "Links to reference pictures; not supported yet: 422 not_supported_yet",
    ),
    "provider": (
        "由哪个服务出图：volcengine_jimeng 或 volcengine_ark；不写就由模型决定",
        "volcengine_jimeng or volcengine_ark; left out, the model decides",
    ),
    "webhook_url": (
        "完成后通知的地址；尚不支持，给出即 422 not_supported_yet",
        "Where to send a notice at the end; not supported yet: 422 not_supported_yet",
    ),
    "user_id": (
        "任务属于谁：1 到 64 个字母、数字或 _ - . @ :，不必有用户记录。"
        "启用登录后不要写：任务属于密钥的主人，写别人的是 403",
        "Whose task it is: 1 to 64 letters, digits and _ - . @ :; no user record is "
        "needed. With sign-in on leave it out: a task belongs to the key's owner, and "
        "anybody else's id is answered 403",
    ),
    "type": (
        "任务类型：image（image_generation 同义）",
        "Kind of task: image (image_generation means the same)",
    ),
    "delay": ("多少秒之后才可以开始", "Seconds before it may start"),
    "NestedTask.input": (
        "该类型的各个字段；每个字段写在这里或外面，不能两处都写",
        "The type's fields; each stands here or beside, never in both places",
    ),
    "accept_double_charge": (
        "同意可能的重复计费：第一次也许已经计费时必须为 true",
        "Consent to be charged again: must be true where the first may have been",
    ),
    "ids": (
        "任务 id，最多 100 个；或改用 status 和 user_id",
        "Task ids, up to 100; or status and user_id in their place",
    ),
    "SeveralTasks.status": (
        "选择这个用户处于该状态的任务，最新的 100 个",
        "Choose the user's tasks in this status, the newest 100",
    ),
    "email": (
        "邮箱；不分大小写，一个邮箱只属于一个用户",
        "E-mail; in any letter case it belongs to one user",
    ),
    "name": ("名称", "Name"),
    "limit": ("每页条数", "Entries of a page"),
    "offset": (
        "跳过最新的多少条，最多 1000；更早的请用 cursor 列表",
        "How many of the newest to pass over, at most 1,000; beyond, use the list by "
        "cursor",
    ),
    "cursor": (
        "上一页的 next_cursor，原样传回",
        "The next_cursor of the page before, as it came",
    ),
    "ByCursor.status": (
        "只要这个状态的任务",
        "Only tasks in this status",
    ),
    "q": ("提示词必须含有的词，空格分开", "Words that the prompt must have"),
    # A task.
    "id": ("标识", "Identifier"),
    "task_id": ("任务 id，不透明", "The task's id; opaque"),
    "status": (
        "状态：pending → processing → completed、failed 或 cancelled",
        "pending → processing → completed, failed or cancelled",
    ),
    "message": ("一句给人看的话", "One sentence for people"),
    "created_at": ("创建时间（UTC）", "When it was created (UTC)"),
    "updated_at": ("最近一次变化的时间", "When it changed last"),
    "not_before": ("延迟任务最早开始的时间", "When a delayed task may start"),
    "started_at": ("开始处理的时间", "When work on it began"),
    "submitted_at": ("提交给服务方的时间", "When the provider was given it"),
    "completed_at": ("结束的时间", "When it ended"),
    "position": ("排在前面的任务数，从 0 起", "Tasks ahead of it, from 0"),
    "eta_seconds": ("预计多少秒后开始", "Seconds until it is expected to start"),
    "retried_from": ("由哪个任务重试而来", "The task that this one runs again"),
    "links": ("后续请求的地址", "Where to go on; follow these, build none"),
    "self": ("整个任务", "The whole record"),
    "cancel": ("取消（POST）", "Cancels it (POST)"),
    "html": ("任务的网页", "Its page for people"),
    "Links.result": ("查询结果", "Its status and pictures"),
    "phase": (
        "更细的阶段：queued 排队、submitting 提交、generating 生成、saving 保存",
        "Finer than the status: queued, submitting, generating, saving",
    ),
    "progress": ("进度百分比，不会倒退", "Percent; never goes back"),
    "result": ("完成后的图片", "The pictures, once it is completed"),
    "TaskResult.error": ("失败的原因", "Why it failed"),
    "TaskRecord.error": ("失败的原因", "Why it failed"),
    "input": ("请求的参数，原样", "What was asked for, as it came"),
    "TaskRecord.prompt": (
        "发送的提示词，含风格的词",
        "As sent, the style's words included",
    ),
    "provider_task_ids": ("服务方的任务 id", "The provider's names for its pictures"),
    "attempts": ("提交次数，含被拒的", "Submissions, refused ones included"),
    "image_url": (
        "第一张图片的地址，不会过期；没有图片时为 null",
        "Link to the first picture; it does not expire. null where there is none",
    ),
    "image_urls": ("所有图片的地址", "Links to all pictures"),
    "images": ("所有图片", "All pictures"),
    "Pictures.failed": (
        "没有出来的图片各自的原因",
        "The errors of pictures that did not come",
    ),
    "url": ("地址，不会过期", "Link; does not expire"),
    "thumbnail_url": ("缩略图的地址", "Link to a small version"),
    "width": ("宽，像素", "Pixels"),
    "height": ("高，像素", "Pixels"),
    "bytes": ("字节数", "Bytes"),
    "content_type": ("图片格式", "Media type"),
    "Picture.seed": (
        "用过的种子；模型没有种子时为 null",
        "The seed that was used; null where the model takes none",
    ),
    "code": ("给程序看的代码，不会改名", "For programs; never renamed"),
    "provider_code": ("服务方的代码", "The provider's own code"),
    "provider_request_id": (
        "服务方的请求 id，联系其客服时用",
        "The provider's name for the call; its support asks for it",
    ),
    "retryable": ("重试是否可能成功", "Whether running it again may succeed"),
    "charged": (
        "是否已计费：no、unknown（不确定）、yes",
        "Whether it was charged: no, unknown, yes",
    ),
    "tasks": ("任务，最新的在前", "Tasks, newest first"),
    "count": ("本页条数", "Entries of this page"),
    # Many at once.
    "results": (
        "每个任务的结果，按请求的顺序",
        "One for each task, in the order asked",
    ),
    "total": ("一共几个", "How many there were"),
    "succeeded": ("成功几个", "How many succeeded"),
    "CancelOutcomes.failed": ("没有成功的几个", "How many did not"),
    "success": ("是否成功", "Whether it succeeded"),
    "error": ("错误代码，给程序看", "Code of the error, for programs"),
    "new_task_id": ("新任务的 id", "The new task's id"),
    "replayed": (
        "新任务是否由同一 Idempotency-Key 的先前请求创建",
        "Whether an earlier request with the same Idempotency-Key had made it",
    ),
    # Models, styles, users.
    "role": ("角色", "Role"),
    "aliases": ("model 也接受的其他名称", "Other names that model takes"),
    "sizes": (
        "有名称的尺寸和其余尺寸的限制；null 表示没有这个限制",
        "The sizes that have a name and the limits of all others; null is no limit",
    ),
    "ratios": ("比例 → 像素", "Ratio to pixels"),
    "hd_ratios": ("quality 为 hd 时的比例 → 像素", "Ratio to pixels with quality hd"),
    "keywords": ("名称 → 像素", "Name to pixels"),
    "min_side": ("宽和高至少，像素", "Width and height at least, pixels"),
    "max_side": ("宽和高至多，像素", "Width and height at most, pixels"),
    "min_area": ("宽乘高至少，像素", "Width times height at least, pixels"),
    "max_area": ("宽乘高至多，像素", "Width times height at most, pixels"),
    "max_ratio": ("长边除以短边至多", "Longer side through the shorter at most"),
    "max_images": ("一个任务最多几张", "Pictures in one task at most"),
    "max_prompt": ("提示词最多几个字符", "Characters of the prompt at most"),
    "takes_images": ("是否接受参考图", "Whether it takes reference pictures"),
    "takes_seed": ("是否接受种子", "Whether it takes a seed"),
    "default": ("不写 model 时用它", "Whether it is used where model is left out"),
    "StyleRecord.name": ("名称，按请求的语言", "Name, in the language of the request"),
    "name_zh": ("中文名称", "Chinese name"),
    "name_en": ("英文名称", "English name"),
    "phrase": ("加在提示词后的文字", "What is put behind the prompt"),
    # The queue.
    "measured_at": ("统计的时间", "When this was measured"),
    "pending": ("等待中的图片，从未提交过", "Pictures that wait and were never sent"),
    "active": ("正在提交、生成或保存的图片", "Pictures being sent, drawn or saved"),
    "retry": (
        "被拒后等待再次提交的图片，不计费",
        "Pictures that wait after a refusal, which was not charged",
    ),
    "archived": ("最终失败的图片", "Pictures that failed for good"),
    "completed": ("已完成的图片", "Pictures that came"),
    "cancelled": (
        "未提交就取消的图片",
        "Pictures that were cancelled before being sent",
    ),
    "processed": (
        "处理过的图片：完成的和失败的",
        "Pictures that were sent: those that came and those that failed",
    ),
    "failed": ("失败的图片", "Pictures that failed"),
    "by_date": (
        "按天（UTC），最新的在前，最多 30 天；没有图片结束的日子不列",
        "By day (UTC), newest first, at most 30; days on which none ended are left out",
    ),
    "date": ("日期（UTC）", "Day (UTC)"),
    "jobs": (
        "Redis 中尚未被取走的作业；null 表示 Redis 不可用",
        "Jobs in Redis that no worker has taken; null if Redis is away",
    ),
    "servers": ("运行工作进程的机器", "Machines that workers run on"),
    "workers": (
        "工作进程，最近一小时内有心跳的",
        "Consumers that were alive within the hour",
    ),
    "ServerRecord.workers": ("活着的工作进程数", "Consumers that are alive"),
    "host": ("机器名", "Name of the machine"),
    "pid": ("进程号", "Process id"),
    "last_heartbeat": ("最近一次心跳，每 5 秒一次", "Latest heartbeat; one every 5 s"),
    "alive": ("心跳是否及时", "Whether the heartbeat is recent"),
    "lanes": (
        "通道：服务方的每个模型一条，各有并发上限",
        "One for each of a provider's models, with a limit of its own",
    ),
    "slots_in_use": ("占用的并发数", "Pictures that may be under way now"),
    "LaneRecord.limit": (
        "当前的并发上限；null 表示模型已不提供",
        "How many may be under way now; null where the model is offered no longer",
    ),
    "LaneRecord.model": ("模型的名称", "The model's name"),
    "configured_limit": ("设置的并发上限", "The limit that is configured"),
    "back_off_until": ("在此之前不提交：服务方请求稍候", "Nothing is sent until then"),
    # Errors and health.
    "request_id": ("请求 id，日志里也有", "The request's id; it stands in the logs"),
    "errors": ("字段 → 原因", "Field to reasons"),
    "Refusal.status": ("仅 /health/ready：unavailable", "Only of /health/ready"),
    "Health.status": ("ok 或 ready", "ok or ready"),
    "missing": (
        "仅 /health/ready：缺少什么，代号见 reasons",
        "Only of /health/ready: the codes of what is missing, as in reasons",
    ),
    "reasons": (
        "仅 /health/ready：缺少的每一项，以及该做什么",
        "Only of /health/ready: each thing that is missing, and what to do",
    ),
    "Reason.code": (
        "稳定的代号：mongodb、mongodb_refuses、redis、redis_full、redis_read_only、"
        "redis_refuses、disk、duplicates、index_missing、worker、overdue、"
        "lane_stalled、no_provider",
        "Stable: mongodb, mongodb_refuses, redis, redis_full, redis_read_only, "
        "redis_refuses, disk, duplicates, index_missing, worker, overdue, "
        "lane_stalled, no_provider",
    ),
    "Reason.names": ("哪些索引或通道", "Which indexes or lanes"),
    "Reason.message": ("该做什么", "What to do"),
    "paused": (
        "管理员暂停了什么：intake（新任务）、sending（提交）；不算故障",
        "What an operator has paused, which is no failure: intake, sending",
    ),
    "next_cursor": (
        "下一页的 cursor；没有下一页时为 null",
        "Of the next page; null at the end",
    ),
}

_PAGE: dict[str, tuple[str, str]] = {
    "docs.title": ("即梦 API 文档", "jimeng: the API"),
    "docs.noscript": (
        "这个页面需要 JavaScript；同样的内容在 openapi.json 里",
        "This page needs JavaScript; the same is in openapi.json",
    ),
}

_ALL = {**_FIELDS, **USAGE_FIELDS, **USER_FIELDS}
REFERENCE = _PAGE | {f"field.{name}": words for name, words in _ALL.items()}

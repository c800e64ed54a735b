"""Descriptions of fields that several schemas share, in Chinese and in English."""

MODEL = (
    "模型的名称或别名，见 GET /api/v1/models；不写就用默认模型",
    "A model's name or alias, see GET /api/v1/models; the default model if omitted",
)
MAKES = (
    "生成什么：image 图片，video 视频",
    "What it makes: image or video",
)
SIZE = (
    "尺寸：宽x高（如 1024x1024）、比例（1:1 4:3 3:4 3:2 2:3 16:9 9:16 21:9），"
    "或模型的名称（1K 2K 4K）；由模型检查",
    "WIDTHxHEIGHT such as 1024x1024, a ratio (1:1 4:3 3:4 3:2 2:3 16:9 9:16 "
    "21:9), or one of the model's names (1K 2K 4K); checked against the model's "
    "limits",
)
QUALITY = (
    "standard，或 hd：取该比例最大的面积；只在没有 size 或 size 是比例时起作用",
    "standard, or hd: the largest area for the ratio. Only applies if size is "
    "omitted or is a ratio",
)
STYLE = (
    "风格：GET /api/v1/styles 中的 id 或名称展开成 phrase，其他文字原样加在提示词后",
    "An id or a name from GET /api/v1/styles is replaced by its phrase; other "
    "text is appended to the prompt as it is",
)
N = (
    "图片张数，每张单独提交、单独计费",
    "Number of pictures; each is submitted and charged separately",
)
SEED = (
    "随机种子；-1 由服务器选。用过的种子在结果里",
    "Seed; -1 for a random one. The seed used is in the result",
)
PROVIDER = (
    "由哪个服务出图：volcengine_jimeng 或 volcengine_ark；不写就由模型决定",
    "volcengine_jimeng or volcengine_ark; decided by the model if omitted",
)
PROMPT = (
    "提示词：想画什么。去掉首尾空白后 1 到模型允许的字符数（一般 800），含风格的词",
    "What the picture shows. After trimming, 1 to as many characters as the model "
    "accepts (usually 800), including the style's phrase",
)
IMAGES = (
    "要用的图片，按顺序在提示词里称为图1、图2……：上传的图片的 id、"
    "自己的图片的 id 或链接、https 地址，或 data: URL；数量看模型",
    "Input pictures, in the order in which the prompt refers to them. Ids of uploads, "
    "ids or links of your own pictures, https URLs, or data: URLs; the number depends "
    "on the model",
)
STRENGTH = (
    "可以偏离图片多远，0 到 1；只用于接受它的模型",
    "How far to deviate from the inputs, 0 to 1; only for models that accept it",
)
USER_ID = (
    "任务属于谁：1 到 64 个字母、数字或 _ - . @ :，不必有用户记录。"
    "启用登录后不写就是密钥主人的；act_for 密钥可以写它前缀下的，写别人的是 403",
    "The task's owner: 1 to 64 letters, digits and _ - . @ :; no user record is "
    "needed. With sign-in on it defaults to the key's owner; a key with act_for may "
    "name users under its prefix, any other user is a 403",
)
WEBHOOK_URL = (
    "结束时通知的 https 地址，用 GET /api/v1/webhooks/secret 的密钥签名",
    "An https URL that is notified of the end, signed with the secret of "
    "GET /api/v1/webhooks/secret",
)
WEBHOOK_EVENTS = (
    "只通知其中的哪些：task.completed、task.failed、task.cancelled；不写为全部",
    "Which of these events to send: task.completed, task.failed, task.cancelled; all "
    "if omitted",
)
METADATA = (
    "程序附加的字段，如订单号：最多 16 对，名称最多 40 字，值最多 500 字。"
    "原样返回，可用来筛选，不会发给服务商",
    "Text of your own, such as an order number: up to 16 pairs, names up to 40 and "
    "values up to 500 characters. Returned unchanged, can be filtered by, never sent "
    "to the provider",
)
METADATA_FILTER = (
    "只要 metadata 含有这一对的，写成 metadata.名称=值；几个参数要同时满足",
    "Only those whose metadata has this pair, written as metadata.NAME=VALUE; of "
    "several parameters all must match",
)
TYPE = (
    "任务类型：image（image_generation 同义）或 video",
    "Kind of task: image (image_generation is the same) or video",
)
DELAY = ("多少秒之后才可以开始", "Seconds before it may start")
SELECTED_STATUS = (
    "选择这个用户处于该状态的任务，最新的 100 个",
    "Selects the user's tasks with this status, the newest 100",
)
CANCEL = ("取消（POST）", "Cancels it (POST)")
CODE = ("给程序看的代码，不会改名", "Stable code for programs")
MESSAGE = ("一句给人看的话", "A sentence for people")
RETRYABLE = ("重试是否可能成功", "Whether a retry may succeed")
BATCH_ID = ("批次的 id，不透明", "The batch's id; opaque")
NAME = ("名称", "Name")
STATUS = (
    "状态：pending → processing → completed、failed 或 cancelled",
    "pending → processing → completed, failed or cancelled",
)
INPUT = ("请求的参数，原样", "The request's parameters, as sent")
COUNT_OF_PROMPTS = ("一共多少条提示词", "How many prompts it has")
CREATED_AT = ("创建时间（UTC）", "When it was created (UTC)")
UPDATED_AT = ("最近一次变化的时间", "When it last changed")
LINKS = (
    "后续请求的地址",
    "URLs of further requests; follow these rather than building your own",
)
WIDTH = ("宽，像素", "Width in pixels")
HEIGHT = ("高，像素", "Height in pixels")
ONLY_STATUS = (
    "只要这个状态的；重复写可以要几个：status=failed&status=cancelled",
    "Only those with this status; repeat it for several: "
    "status=failed&status=cancelled",
)
CREATED_AFTER = (
    "只要从这时起创建的，含这时",
    "Only those created at this time or later",
)
CREATED_BEFORE = ("只要在这时之前创建的", "Only those created before this time")
NAME_TO_60 = (
    "名称，去掉首尾空白后 1 到 60 个字符",
    "The name: 1 to 60 characters after trimming",
)
SHOWS_PROMPTS = (
    "页面上是否显示提示词",
    "Whether the page shows the prompts of its pictures",
)
ID = ("标识", "Identifier")
LIMIT = ("每页条数", "Entries per page")
OFFSET = (
    "跳过最新的多少条，最多 1000；更早的请用 cursor 列表",
    "How many of the newest to skip, at most 1,000; for older ones use the list "
    "with a cursor",
)
MIN_SIDE = ("宽和高至少，像素", "Minimum width and height, in pixels")
MAX_SIDE = ("宽和高至多，像素", "Maximum width and height, in pixels")
MAX_RATIO = ("长边除以短边至多", "Maximum of longer side ÷ shorter side")
CURRENCY = ("货币", "The currency")
MICROS = (
    "一张图片，百万分之一元，准确值",
    "Of one picture, in millionths of a yuan, exact",
)
AS_OF = (
    "价格表的日期；null 表示运营者自己的价格",
    "The day of the price list; null for a price of the operator's",
)
MAX_IMAGES = ("一个任务最多几张", "Maximum pictures in one task")
TASK_ID = ("任务 id，不透明", "The task's id; opaque")
SUCCESS = ("是否成功", "Whether it succeeded")
NEXT_CURSOR = (
    "下一页的 cursor；没有下一页时为 null",
    "Cursor of the next page; null on the last one",
)
ERROR = ("错误代码，给程序看", "Error code, for programs")
RESULTS = (
    "每个任务的结果，按请求的顺序",
    "One result per task, in the order requested",
)
SAVED_SEED = ("种子；null 为每次抽取", "The seed; null for a random one each time")
SAVED_PROMPT = ("提示词，1 到 10000 个字符", "The prompt, 1 to 10,000 characters")
EMAIL = (
    "邮箱；不分大小写，一个邮箱只属于一个用户",
    "E-mail, unique ignoring case",
)
KEY_ID = ("密钥的 id", "The key's id")
DATE = ("日期（UTC）", "Date (UTC)")
PROCESSED = (
    "处理过的图片：完成的和失败的",
    "Pictures processed: completed and failed ones",
)
FAILED = ("失败的图片", "Failed pictures")
COMPLETED = ("已完成的图片", "Completed pictures")
CANCELLED = ("未提交就取消的图片", "Pictures cancelled before they were submitted")
HOST = ("机器名", "Machine name")
LAST_HEARTBEAT = ("最近一次心跳，每 5 秒一次", "Latest heartbeat; sent every 5 s")
ALIVE = ("心跳是否及时", "Whether the heartbeat is recent")
STARTED_AT = ("开始处理的时间", "When processing started")
SLOTS_IN_USE = ("占用的并发数", "Slots in use")
CONFIGURED_LIMIT = ("设置的并发上限", "Configured concurrency limit")
BACK_OFF_UNTIL = (
    "在此之前不提交：服务商请求稍候",
    "Nothing is submitted before then: the provider asked to back off",
)
MODEL_NAME = ("模型的名称", "The model's name")
PENDING = ("等待中的图片，从未提交过", "Waiting pictures that were never submitted")
RETRY = (
    "被拒后等待再次提交的图片，不计费",
    "Pictures waiting to be submitted again after a refusal, not charged",
)
PAUSED = (
    "管理员暂停了什么：intake（新任务）、sending（提交）、webhooks（回调）；不算故障",
    "What an operator has paused: intake (new tasks), sending, webhooks; not a fault",
)
SUSPENDED = (
    "服务商拒绝了的账号（密钥、欠费、额度），暂停使用一段时间，其他账号照常；不算故障",
    "Accounts that the provider has refused (key, arrears, quota): they are suspended "
    "for a while, others go on; not a fault",
)
LOWERED = (
    "服务商拒绝过更多、所以并发上限低于设置的模型队列（多账号时为 账号@队列），"
    "每分钟试着升回来；不算故障",
    "Model queues whose slots are below the configured limit, because the provider "
    "refused more; with several accounts account@lane. A higher limit is tried every "
    "minute; not a fault",
)
REQUEST_ID = ("请求 id，日志里也有", "The request's id, also in the logs")
BYTES = ("字节数", "Bytes")
CONTENT_TYPE = ("图片格式", "Media type")
POSITION = ("排在前面的任务数，从 0 起", "Tasks ahead of it, starting at 0")
ETA_SECONDS = (
    "预计多少秒后开始；提交暂停或没有工作进程时没有人知道：创建时为 null，"
    "查询时没有这一项",
    "Estimated seconds until it starts. Unknown while sending is paused or no worker "
    "is running: null at creation, and omitted afterwards",
)
RETRIED_FROM = ("由哪个任务重试而来", "The task that this one is a retry of")
IMAGE_URL = (
    "第一张图片的地址，不会过期；没有图片时为 null",
    "Link to the first picture; never expires. null if there is none",
)
VIDEO_URL = (
    "第一个视频的地址，不会过期；没有时为 null。只在视频任务里给出",
    "Link to the first video; never expires. null if there is none. Only in tasks of "
    "videos",
)
ALL_PICTURES = ("所有图片", "All pictures")
PROGRESS = ("进度百分比，不会倒退", "Percent; never goes back")
RESULT = ("完成后的图片", "The pictures, once it is completed")
WHY_FAILED = ("失败的原因", "Why it failed")
FROM = (
    "第一天（UTC），如 2026-01-01；默认是 to 之前的第 29 天",
    "First day (UTC), e.g. 2026-01-01; defaults to 29 days before to",
)
TO = (
    "最后一天（UTC），包含在内；默认是今天",
    "Last day (UTC), inclusive; defaults to today",
)
PICTURES = ("图片数", "Pictures")
DAILY_BUDGET_MICROS = (
    "每天最多花多少，百万分之一元，预留的也算；null 为默认",
    "What may be spent in a day, in millionths of a yuan, with what is reserved; null "
    "for the default",
)
MONTHLY_BUDGET_MICROS = (
    "每月最多花多少，百万分之一元；null 为默认",
    "What may be spent in a month, in millionths of a yuan; null for the default",
)
COST = (
    "花费，元；还不知道时为 null",
    "Cost in yuan; null while it is not known",
)
COST_MICROS = (
    "花费，百万分之一元；还不知道时为 null",
    "Cost in millionths of a yuan; null while it is not known",
)
HELD_MICROS = (
    "在花费确定之前预留的金额，百万分之一元；不知道价格时为 null",
    "Reserved until the cost is known, in millionths of a yuan; null if the price is "
    "not known",
)
CHARGED = ("其中计费的多少", "How many of them were charged")
OUTCOMES = ("各种结果的图片数", "Pictures by outcome")
BACKGROUND = ("背景；没有透明的", "The background, which is never transparent")
OUTPUT_FORMAT = (
    "图片的格式，只用于 b64_json",
    "The format of pictures, for b64_json only",
)
NO_EFFECT = ("接受，但没有作用", "Accepted, but has no effect")
EDIT_MASK = (
    "要改的部分：PNG，透明处重绘，与第一张图同样大小",
    "The part to change: a PNG, repainted where it is transparent, as large as the "
    "first picture",
)
CREATED = ("时间，自 1970 年起的秒数", "The time, in seconds since 1970")
OBJECT = ("这是什么", "What this is")

"""What the fields of models, styles, the queue, errors and health mean."""

SERVICE_FIELDS: dict[str, tuple[str, str]] = {
    # Models, styles, users.
    "role": ("角色", "Role"),
    "aliases": ("model 也接受的其他名称", "Other names that model accepts"),
    "sizes": (
        "有名称的尺寸和其余尺寸的限制；null 表示没有这个限制",
        "Named sizes, and the limits for all others; null means no limit",
    ),
    "ratios": ("比例 → 像素", "Ratio → pixels"),
    "hd_ratios": ("quality 为 hd 时的比例 → 像素", "Ratio → pixels with quality hd"),
    "keywords": ("名称 → 像素", "Name → pixels"),
    "min_side": ("宽和高至少，像素", "Minimum width and height, in pixels"),
    "max_side": ("宽和高至多，像素", "Maximum width and height, in pixels"),
    "min_area": ("宽乘高至少，像素", "Minimum width × height, in pixels"),
    "max_area": ("宽乘高至多，像素", "Maximum width × height, in pixels"),
    "max_ratio": ("长边除以短边至多", "Maximum of longer side ÷ shorter side"),
    "max_images": ("一个任务最多几张", "Maximum pictures in one task"),
    "max_prompt": ("提示词最多几个字符", "Maximum characters of the prompt"),
    "task": (
        "做什么：文生图、图生图、局部重绘、扩图、放大",
        "What it does: from words, from a picture, repaint, expand, enlarge",
    ),
    "takes_images": (
        "从这台服务器能否给它图片",
        "Whether pictures can be given to it from this server",
    ),
    "inputs": (
        "它接受的图片；null 表示不接受",
        "The pictures that it takes; null if it takes none",
    ),
    "inputs_unavailable": (
        "为什么从这里给不了图片；null 表示可以",
        "Why pictures cannot be given to it from here; null if they can",
    ),
    "price": (
        "一张图片在服务商处的价格；null 表示不知道",
        "What one picture costs at the provider; null if nobody knows",
    ),
    "PriceRecord.currency": ("货币", "The currency"),
    "PriceRecord.steps": (
        "按图片的像素（宽乘高），从小到大；最后一级没有上限",
        "By the pixels of the picture (width × height), the smallest first; the last "
        "has no end",
    ),
    "as_of": (
        "价格表的日期；null 表示运营者自己的价格",
        "The day of the price list; null for a price of the operator's",
    ),
    "up_to_pixels": (
        "到多少像素为止；null 没有上限",
        "Up to how many pixels; null: any",
    ),
    "dry_run": ("true：什么也没有创建", "true: nothing was created"),
    "Trying.dry_run": (
        "1 或 true：只检查请求并估价，不创建、不计入任何限制，也不检查这些限制",
        "1 or true: the request is judged and its price told. Nothing is created or "
        "counted against any limit, nor are the limits asked",
    ),
    "CostRecord.currency": ("货币", "The currency"),
    "CostRecord.fen": (
        "一张，分（百分之一元）",
        "Of one picture, in fen: hundredths of a yuan",
    ),
    "fen_of_all": ("全部图片，分", "Of all pictures, in fen"),
    "EstimateRecord.width": (
        "宽，像素；null 表示取决于给出的图片",
        "Pixels; null where it follows from the pictures that go in",
    ),
    "EstimateRecord.height": (
        "高，像素；null 表示取决于给出的图片",
        "Pixels; null where it follows from the pictures that go in",
    ),
    "EstimateRecord.cost": (
        "按价格表在服务商处的费用；null 表示不知道",
        "What it would cost at the provider, by the list of prices; null if nobody "
        "knows",
    ),
    "fen": ("分（百分之一元）", "Fen: hundredths of a yuan"),
    "Inputs.min": ("至少几张", "Fewest pictures"),
    "Inputs.max": ("至多几张", "Most pictures"),
    "Inputs.mask": ("是否必须带蒙版", "Whether a mask must come with them"),
    "Inputs.strength": ("能否设置 strength", "Whether strength may be given"),
    "Inputs.expand": (
        "每边最多扩多少（占边长的份额）；null 表示不能扩图",
        "The most that an edge may grow, as a share of its side; null: does not expand",
    ),
    "Inputs.prompt": (
        "提示词必填、可选，还是没有",
        "Whether the prompt is required, optional, or must be left out",
    ),
    "takes_seed": ("是否接受种子", "Whether it accepts a seed"),
    "default": ("不写 model 时用它", "Whether it is used if model is omitted"),
    "StyleRecord.name": ("名称，按请求的语言", "Name, in the request's language"),
    "name_zh": ("中文名称", "Chinese name"),
    "name_en": ("英文名称", "English name"),
    "phrase": ("加在提示词后的文字", "Text appended to the prompt"),
    # The queue.
    "measured_at": ("统计的时间", "When this was measured"),
    "pending": (
        "等待中的图片，从未提交过",
        "Waiting pictures that were never submitted",
    ),
    "active": (
        "正在提交、生成或保存的图片",
        "Pictures being submitted, drawn or saved",
    ),
    "retry": (
        "被拒后等待再次提交的图片，不计费",
        "Pictures waiting to be submitted again after a refusal, not charged",
    ),
    "archived": ("最终失败的图片", "Pictures that failed for good"),
    "completed": ("已完成的图片", "Completed pictures"),
    "cancelled": (
        "未提交就取消的图片",
        "Pictures cancelled before they were submitted",
    ),
    "processed": (
        "处理过的图片：完成的和失败的",
        "Pictures processed: completed and failed ones",
    ),
    "failed": ("失败的图片", "Failed pictures"),
    "by_date": (
        "按天（UTC），最新的在前，最多 30 天；没有图片结束的日子不列",
        "By day (UTC), newest first, at most 30; days on which no picture ended are "
        "omitted",
    ),
    "date": ("日期（UTC）", "Date (UTC)"),
    "jobs": (
        "Redis 中尚未被取走的作业；null 表示 Redis 不可用",
        "Jobs in Redis not yet taken by a worker; null if Redis is unavailable",
    ),
    "servers": ("运行工作进程的机器", "Machines that run workers"),
    "workers": (
        "工作进程，最近一小时内有心跳的",
        "Workers with a heartbeat within the last hour",
    ),
    "ServerRecord.workers": ("活着的工作进程数", "Workers alive"),
    "host": ("机器名", "Machine name"),
    "pid": ("进程号", "Process id"),
    "last_heartbeat": ("最近一次心跳，每 5 秒一次", "Latest heartbeat; sent every 5 s"),
    "alive": ("心跳是否及时", "Whether the heartbeat is recent"),
    "lanes": (
        "通道：服务方的每个模型一条，各有并发上限",
        "One per provider and model, each with its own limit",
    ),
    "slots_in_use": ("占用的并发数", "Slots in use"),
    "LaneRecord.accounts": (
        "各账号在这个通道里的并发；设置里已没有、却还占着并发的也在内",
        "Each account's part of the lane; also those that are no longer in the "
        "settings and still hold slots",
    ),
    "account": (
        "设置里的账号名；main 是不带名字的那个",
        "The account's name in the settings; main is the one without a name",
    ),
    "AccountRecord.limit": (
        "当前的并发上限；null 表示账号已不在设置里，没有人查询它的图片",
        "Current concurrency limit; null if the account is no longer in the settings "
        "and nobody asks for its pictures",
    ),
    "refused": (
        "服务方以这个代号拒绝了账号，所以它在歇；null 表示没有",
        "Code with which the provider refused the account, which rests; else null",
    ),
    "LaneRecord.limit": (
        "当前的并发上限；null 表示模型已不提供",
        "Current concurrency limit; null if the model is no longer offered",
    ),
    "LaneRecord.model": ("模型的名称", "The model's name"),
    "configured_limit": ("设置的并发上限", "Configured concurrency limit"),
    "back_off_until": (
        "在此之前不提交：服务方请求稍候",
        "Nothing is submitted before then: the provider asked to wait",
    ),
    # Errors and health.
    "request_id": ("请求 id，日志里也有", "The request's id, also in the logs"),
    "errors": ("字段 → 原因", "Field → reasons"),
    "Refusal.status": (
        "仅 /health/ready：unavailable",
        "/health/ready only: unavailable",
    ),
    "Health.status": ("总是 ok", "Always ok"),
    "Health.version": ("正在运行的版本", "The release that runs"),
    "Health.commit": (
        "这个版本的 Git 提交；无从得知时为 unknown",
        "The Git commit that it was made from; unknown where nothing says it",
    ),
    "Ready.status": ("总是 ready", "Always ready"),
    "missing": (
        "仅 /health/ready：缺少什么，代号见 reasons",
        "/health/ready only: codes of what is missing, as in reasons",
    ),
    "reasons": (
        "仅 /health/ready：缺少的每一项，以及该做什么",
        "/health/ready only: each missing thing, and what to do",
    ),
    "Reason.code": (
        "稳定的代号：mongodb、mongodb_refuses、redis、redis_full、redis_read_only、"
        "redis_refuses、disk、release_too_old、index_missing、worker、"
        "jobs_untaken、overdue、lane_stalled、no_provider",
        "Stable: mongodb, mongodb_refuses, redis, redis_full, redis_read_only, "
        "redis_refuses, disk, release_too_old, index_missing, worker, "
        "jobs_untaken, overdue, lane_stalled, no_provider",
    ),
    "Reason.names": ("哪些索引或通道", "Which indexes or lanes"),
    "Reason.since": (
        "答复的进程从什么时候起一直看到这一项",
        "Since when the process that answers has seen this at every look",
    ),
    "Reason.message": ("该做什么", "What to do"),
    "paused": (
        "管理员暂停了什么：intake（新任务）、sending（提交）；不算故障",
        "What an operator has paused: intake (new tasks), sending; not a fault",
    ),
    "lowered": (
        "服务方拒绝过更多、所以并发上限低于设置的通道（多账号时为 账号@通道），"
        "每分钟试着升回来；不算故障",
        "Lanes whose limit is lower than configured, as the provider refused more; "
        "with several accounts account@lane. A higher one is tried every minute; not a "
        "fault",
    ),
    "resting": (
        "服务方拒绝了的账号（密钥、欠费、额度），歇一阵再试，其他账号照常；不算故障",
        "Accounts that the provider has refused (key, arrears, quota): they rest for a "
        "while and the others go on; not a fault",
    ),
    "next_cursor": (
        "下一页的 cursor；没有下一页时为 null",
        "Cursor of the next page; null on the last one",
    ),
}

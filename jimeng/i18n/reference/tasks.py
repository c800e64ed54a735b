"""What the fields of tasks mean, asked for and answered."""

TASK_FIELDS: dict[str, tuple[str, str]] = {
    # What is asked for.
    "prompt": (
        "提示词：想画什么。去掉首尾空白后 1 到模型允许的字符数（一般 800），含风格的词",
        "What the picture shows. After trimming, 1 to as many characters as the model "
        "takes (usually 800), including the words of the style",
    ),
    "model": (
        "模型的名称或别名，见 GET /api/v1/models；不写就用默认模型",
        "A model's name or alias, see GET /api/v1/models; the default model if omitted",
    ),
    "size": (
        "尺寸：宽x高（如 1024x1024）、比例（1:1 4:3 3:4 3:2 2:3 16:9 9:16 21:9），"
        "或模型的名称（1K 2K 4K）；由模型检查",
        "WIDTHxHEIGHT such as 1024x1024, a ratio (1:1 4:3 3:4 3:2 2:3 16:9 9:16 "
        "21:9), or one of the model's names (1K 2K 4K); checked against the model's "
        "limits",
    ),
    "quality": (
        "standard，或 hd：取该比例最大的面积；只在没有 size 或 size 是比例时起作用",
        "standard, or hd: the largest area for the ratio. Only applies if size is "
        "omitted or is a ratio",
    ),
    "style": (
        "风格：GET /api/v1/styles 中的 id 或名称展开成 phrase，"
        "其他文字原样加在提示词后",
        "An id or a name from GET /api/v1/styles is replaced by its phrase; other "
        "text is appended to the prompt as it is",
    ),
    "n": (
        "图片张数，每张单独提交、单独计费",
        "Number of pictures; each is submitted and charged separately",
    ),
    "seed": (
        "随机种子；-1 由服务器选。用过的种子在结果里",
        "Seed; with -1 the server draws one. The seed used is in the result",
    ),
    "negative_prompt": (
        "目前的模型都没有反向提示词：给出即 422",
        "Not supported by any model today: 422 if given",
    ),
    "ImageFields.images": (
        "要用的图片，按顺序在提示词里称为图1、图2……：上传的图片的 id、"
        "自己的图片的 id 或链接、https 地址，或 data: URL；数量看模型",
        "Pictures to start from, in the order in which the prompt counts them. Ids of "
        "uploads, ids or links of your own pictures, https addresses, or data: URLs; "
        "how many is for the model",
    ),
    "ImageFields.mask": (
        "蒙版，写法同 images 的元素：PNG，透明处重画，大小与第一张图片相同；"
        "只用于接受蒙版的模型",
        "A mask, named as an element of images: a PNG as large as the first picture, "
        "transparent where it is to be painted anew; only for models that take one",
    ),
    "strength": (
        "可以偏离图片多远，0 到 1；只用于接受它的模型",
        "How far to leave the pictures, 0 to 1; only for models that take it",
    ),
    "ImageFields.expand": (
        "每一边扩多少，是那一边长度的几倍；只用于扩图的模型",
        "How far to expand at each edge, as a share of that side; only for models "
        "that expand",
    ),
    "Edges.top": ("上边，高的几倍", "At the top, as a share of the height"),
    "Edges.right": ("右边，宽的几倍", "On the right, as a share of the width"),
    "Edges.bottom": ("下边，高的几倍", "At the bottom, as a share of the height"),
    "Edges.left": ("左边，宽的几倍", "On the left, as a share of the width"),
    "provider": (
        "由哪个服务出图：volcengine_jimeng 或 volcengine_ark；不写就由模型决定",
        "volcengine_jimeng or volcengine_ark; decided by the model if omitted",
    ),
    "webhook_url": (
        "完成后通知的地址；尚不支持，给出即 422 not_supported_yet",
        "Where to send a notice when the task ends; not supported yet: 422 "
        "not_supported_yet if given",
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
        "Kind of task: image (image_generation is the same)",
    ),
    "delay": ("多少秒之后才可以开始", "Seconds before it may start"),
    "NestedTask.input": (
        "该类型的各个字段；每个字段写在这里或外面，不能两处都写",
        "The fields of this type; each stands either here or outside, not both",
    ),
    "accept_double_charge": (
        "同意重复计费：失败的图片 charged 为 yes 或 unknown 时必须为 true",
        "Consent to a second charge: must be true where `charged` of a picture that "
        "failed is `yes` or `unknown`",
    ),
    "ids": (
        "任务 id，最多 100 个；或改用 status 和 user_id",
        "Task ids, up to 100; or use status and user_id instead",
    ),
    "SeveralTasks.status": (
        "选择这个用户处于该状态的任务，最新的 100 个",
        "Selects the user's tasks with this status, the newest 100",
    ),
    "email": (
        "邮箱；不分大小写，一个邮箱只属于一个用户",
        "E-mail, regardless of case; it belongs to one user only",
    ),
    "name": ("名称", "Name"),
    "limit": ("每页条数", "Entries per page"),
    "offset": (
        "跳过最新的多少条，最多 1000；更早的请用 cursor 列表",
        "How many of the newest to skip, at most 1,000; for older ones use the list "
        "with a cursor",
    ),
    "cursor": (
        "上一页的 next_cursor，原样传回",
        "The previous page's next_cursor, unchanged",
    ),
    "ByCursor.status": ("只要这个状态的任务", "Only tasks with this status"),
    "q": (
        "提示词必须含有的词，空格分开；一页最多找 1,000 个任务，没找满也可能还有下一页",
        "Words the prompt must contain, separated by spaces. A page looks through "
        "1,000 tasks: it may be short and have a next one all the same",
    ),
    # A task.
    "id": ("标识", "Identifier"),
    "task_id": ("任务 id，不透明", "The task's id; opaque"),
    "status": (
        "状态：pending → processing → completed、failed 或 cancelled",
        "pending → processing → completed, failed or cancelled",
    ),
    "message": ("一句给人看的话", "A sentence for people"),
    "created_at": ("创建时间（UTC）", "When it was created (UTC)"),
    "updated_at": ("最近一次变化的时间", "When it last changed"),
    "not_before": ("延迟任务最早开始的时间", "When a delayed task may start"),
    "started_at": ("开始处理的时间", "When processing started"),
    "submitted_at": ("提交给服务方的时间", "When it was submitted to the provider"),
    "completed_at": ("结束的时间", "When it ended"),
    "position": ("排在前面的任务数，从 0 起", "Tasks ahead of it, starting at 0"),
    "eta_seconds": (
        "预计多少秒后开始；提交暂停或没有工作进程时没有人知道：创建时为 null，"
        "查询时没有这一项",
        "Seconds until it is expected to start. While sending is paused, or no worker "
        "is running, nobody knows: it is null at creation, and left out afterwards",
    ),
    "retried_from": ("由哪个任务重试而来", "The task that this one is a retry of"),
    "links": (
        "后续请求的地址",
        "Addresses of the next requests; follow these rather than building your own",
    ),
    "self": ("整个任务", "The full record"),
    "cancel": ("取消（POST）", "Cancels it (POST)"),
    "html": ("任务的网页", "Its web page"),
    "Links.result": ("查询结果", "Its status and pictures"),
    "phase": (
        "更细的阶段：preparing 准备图片、queued 排队、submitting 提交、"
        "generating 生成、saving 保存",
        "Finer than the status: preparing, queued, submitting, generating, saving",
    ),
    "progress": ("进度百分比，不会倒退", "Percent; never goes back"),
    "result": ("完成后的图片", "The pictures, once it is completed"),
    "TaskResult.error": ("失败的原因", "Why it failed"),
    "TaskRecord.error": ("失败的原因", "Why it failed"),
    "input": ("请求的参数，原样", "The request's parameters, as sent"),
    "TaskRecord.prompt": (
        "发送的提示词，含风格的词",
        "The prompt as submitted, including the words of the style",
    ),
    "provider_task_ids": ("服务方的任务 id", "The provider's task ids"),
    "attempts": ("提交次数，含被拒的", "Submissions, including refused ones"),
    "image_url": (
        "第一张图片的地址，不会过期；没有图片时为 null",
        "Link to the first picture; never expires. null if there is none",
    ),
    "image_urls": ("所有图片的地址", "Links to all pictures"),
    "images": ("所有图片", "All pictures"),
    "Pictures.failed": ("没有出来的图片各自的原因", "Why the missing pictures failed"),
    "url": ("地址，不会过期", "Link; never expires"),
    "thumbnail_url": ("缩略图的地址", "Link to the thumbnail"),
    "width": ("宽，像素", "Width in pixels"),
    "height": ("高，像素", "Height in pixels"),
    "bytes": ("字节数", "Bytes"),
    "content_type": ("图片格式", "Media type"),
    "Picture.seed": (
        "用过的种子；模型没有种子时为 null",
        "The seed used; null if the model takes none",
    ),
    # What is given.
    "NewUpload.file": (
        "图片文件：JPEG、PNG 或 WebP",
        "The picture's file: JPEG, PNG or WebP",
    ),
    "NewUpload.user_id": (
        "图片属于谁，规则同任务的 user_id；启用登录后不要写",
        "Whose it is, as on tasks; with sign-in on leave it out",
    ),
    "made_from": (
        "由哪些图片而来：按 images 的顺序，蒙版在最后",
        "The pictures it was made from, in the order of images; a mask is the last",
    ),
    "has_mask": ("最后一张是不是蒙版", "Whether the last of them is a mask"),
    "upload": ("图片的 id", "Its id"),
    "picture": (
        "它是哪张生成的图片的副本；不是则为 null",
        "The drawn picture that it is a copy of, else null",
    ),
    "made_into": (
        "由这张图片而来的任务；只在整个任务里给出",
        "The tasks that were made from it; given in the full record only",
    ),
    "TaskRecord.width": (
        "宽，像素；要等图片取到才知道时为 null",
        "Width in pixels; null until it is known, where a picture is still fetched",
    ),
    "TaskRecord.height": (
        "高，像素；要等图片取到才知道时为 null",
        "Height in pixels; null until it is known, where a picture is still fetched",
    ),
    "has_alpha": (
        "是否有透明的像素；只有这样的图片可以用作 mask",
        "Whether a pixel is transparent; only such a picture can be a mask",
    ),
    "UploadRecord.expires_at": (
        "没有任务使用时保留到什么时候；已有任务使用则为 null",
        "Until when it is kept while no task uses it; null once one does",
    ),
    "code": ("给程序看的代码，不会改名", "Stable code for programs"),
    "provider_code": ("服务方的代码", "The provider's own code"),
    "provider_request_id": (
        "服务方的请求 id，联系其客服时用",
        "The provider's request id, for its support",
    ),
    "retryable": ("重试是否可能成功", "Whether a retry may succeed"),
    "charged": (
        "是否已计费：no、unknown（不确定）、yes",
        "Whether it was charged: no, unknown, yes",
    ),
    "tasks": ("任务，最新的在前", "Tasks, newest first"),
    "count": ("本页条数", "Entries on this page"),
    # Many at once.
    "results": (
        "每个任务的结果，按请求的顺序",
        "One result per task, in the order requested",
    ),
    "total": ("一共几个", "How many in all"),
    "succeeded": ("成功几个", "How many succeeded"),
    "CancelOutcomes.failed": ("没有成功的几个", "How many failed"),
    "success": ("是否成功", "Whether it succeeded"),
    "error": ("错误代码，给程序看", "Error code, for programs"),
    "new_task_id": ("新任务的 id", "The new task's id"),
    "replayed": (
        "新任务是否由同一 Idempotency-Key 的先前请求创建",
        "Whether an earlier request with the same Idempotency-Key created it",
    ),
}

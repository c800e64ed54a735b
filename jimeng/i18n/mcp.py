"""What the tools for agents say of themselves: to models, and to who reads along."""

MCP: dict[str, tuple[str, str]] = {
    "mcp.instructions": (
        "用即梦画图。generate_image 花钱：每张图都计费。约 25 秒内画好就直接返回"
        "小图和原图链接，否则返回 task_id，之后用 get_task 取。"
        "给用户原图链接，小图只供你看。",
        "Draws pictures. generate_image costs money, for each picture. If it is done "
        "within about 25 seconds, you get a small picture and a link to the whole one; "
        "otherwise a task_id, to be asked for with get_task. Give users the link to "
        "the whole picture; the small one is for you to look at.",
    ),
    "mcp.tool.generate_image": ("画图", "Generate images"),
    "mcp.tool.generate_image.about": (
        "按提示词画 1 到 4 张图，每张计费。等到画好，最多 wait_seconds 秒；没画好就返回"
        " task_id，接着用 get_task，不要重新调用：同样的调用在前一个结束并送达之前"
        "得到的是同一个任务。",
        "Draw 1 to 4 pictures of a prompt; each is charged. Waits until they are done, "
        "wait_seconds at most; otherwise returns a task_id: go on with get_task and do "
        "not call again. An equal call gets the same task until that has ended and "
        "its result was delivered.",
    ),
    "mcp.tool.edit_image": ("改图", "Edit images"),
    "mcp.tool.edit_image.about": (
        "按提示词改图：参考、融合、换风格；带 mask 时重画一块，带 expand 时向外扩展，"
        "不写提示词时放大。每张计费。images 写本服务器的图片链接、task_id 加 _0，或"
        " https 地址。等待和重复调用同 generate_image。",
        "Draw from pictures by a prompt: as references, mixed, in another style; with "
        "mask a part is painted anew, with expand it grows at the edges, without a "
        "prompt it is enlarged. Each is charged. images are links to pictures of this "
        "server, a task_id with _0 behind it, or https addresses. It waits, and is "
        "repeated, as generate_image is.",
    ),
    "mcp.tool.get_task": ("查看任务", "Get a task"),
    "mcp.tool.get_task.about": (
        "任务的状态，画好了就有图片。wait_seconds 让它等到结束再答复。",
        "How a task stands, with its pictures once they are done. With wait_seconds "
        "the answer waits for its end.",
    ),
    "mcp.tool.list_tasks": ("列出任务", "List tasks"),
    "mcp.tool.list_tasks.about": (
        "自己的任务，最新的在前；可按状态和提示词里的文字筛选。",
        "Your own tasks, newest first; by status, and by words of the prompt.",
    ),
    "mcp.tool.cancel_task": ("取消任务", "Cancel a task"),
    "mcp.tool.cancel_task.about": (
        "取消还没结束的任务。还在排队的图片不计费，已经开始画的仍然计费，但不再显示。",
        "Cancel a task that has not ended. Pictures that wait cost nothing; one that "
        "is being drawn is charged all the same, and not shown.",
    ),
    "mcp.tool.create_batch": ("批量画图", "Create a batch"),
    "mcp.tool.create_batch.about": (
        "一次提交很多提示词（最多 500 条），共用同样的设置，每条 n 张，每张计费。先用 "
        "dry_run 看一共几张、多少钱，问过用户再提交。立即返回 batch_id，之后用 "
        "get_batch 看进度。同样的调用在前一批结束之前得到的是同一批。",
        "Ask for the pictures of many prompts at once, up to 500, with the same "
        "settings, n for each; every picture is charged. See with dry_run first how "
        "many and for how much, and ask your user. Answers at once with a batch_id: go "
        "on with get_batch. An equal call gets the same batch until that has ended.",
    ),
    "mcp.tool.get_batch": ("查看批次", "Get a batch"),
    "mcp.tool.get_batch.about": (
        "批次的进度、没画成的原因，和最新 20 张图的链接。全部图片在 page 那一页。",
        "How far a batch is, why pictures failed, and links to its 20 newest pictures; "
        "all of them are on its page.",
    ),
    "mcp.tool.list_collections": ("列出相册", "List collections"),
    "mcp.tool.list_collections.about": (
        "自己的相册，最近放过图片的在前。",
        "Your own collections, those that were put into last first.",
    ),
    "mcp.tool.add_to_collection": ("放进相册", "Add to a collection"),
    "mcp.tool.add_to_collection.about": (
        "把画好的图片放进相册；写名称时，没有这本就新建。放过的再放一次也没关系。",
        "Put pictures that were drawn here into a collection; one of that name is made "
        "where there is none. Twice is as once.",
    ),
    "mcp.tool.list_models": ("列出模型", "List models"),
    "mcp.tool.list_models.about": (
        "可用的模型，各自接受的尺寸、张数、图片和提示词长度，以及一张的价格（分）。",
        "The models there are, the sizes, counts, pictures and prompts that each "
        "takes, and what a picture costs (in fen, hundredths of a yuan).",
    ),
    "mcp.argument.prompt": (
        "想画什么，一般最多 800 字",
        "What the picture shows, usually 800 characters at most",
    ),
    "mcp.argument.model": (
        "模型的名称或别名，见 list_models；一般不写，用默认的",
        "A model's name or alias, see list_models; usually left out for the default",
    ),
    "mcp.argument.size": (
        "比例（1:1 4:3 3:4 3:2 2:3 16:9 9:16 21:9）、宽x高（1024x1024），或 1K 2K 4K",
        "A ratio (1:1 4:3 3:4 3:2 2:3 16:9 9:16 21:9), WIDTHxHEIGHT (1024x1024), or "
        "1K 2K 4K",
    ),
    "mcp.argument.quality": (
        "standard，或 hd：取该比例最大的面积",
        "standard, or hd: the largest area for the ratio",
    ),
    "mcp.argument.style": (
        "风格，任意文字，加在提示词后面",
        "A style in any words, added to the prompt",
    ),
    "mcp.argument.n": ("几张，每张计费", "How many pictures; each is charged"),
    "mcp.argument.seed": (
        "随机种子，-1 由服务器选；要和前一次不同的图，换一个种子",
        "Seed, drawn by the server for -1; for a picture other than the last, another",
    ),
    "mcp.argument.images": (
        "要改的图，按顺序：链接、图片 id、上传 id、https 地址或 data: URL",
        "The pictures to go in, in order: links, ids of pictures or uploads, https "
        "addresses, or data: URLs",
    ),
    "mcp.argument.mask": (
        "重画哪里：和第一张一样大的 PNG，透明处重画；写法同 images",
        "Where to paint anew: a PNG of the first picture's size, transparent there; "
        "given as images are",
    ),
    "mcp.argument.strength": (
        "改多少，0 到 1，只有部分模型接受",
        "How much to change, 0 to 1; only some models take it",
    ),
    "mcp.argument.expand": (
        "向外扩展：top、right、bottom、left，各是边长的几分之几",
        "How far to grow: top, right, bottom, left, each a share of that side",
    ),
    "mcp.argument.wait_seconds": (
        "最多等几秒；0 立即返回",
        "Seconds to wait at most; 0 answers at once",
    ),
    "mcp.argument.idempotency_key": (
        "同一个键一天之内只画一次；想让同样的调用再画一次，就换一个键",
        "Within a day one key draws once; for another picture of an equal call, "
        "another key",
    ),
    "mcp.argument.task_id": (
        "generate_image 返回的 task_id",
        "The task_id that generate_image gave",
    ),
    "mcp.argument.limit": ("最多几个", "How many at most"),
    "mcp.argument.cursor": (
        "上一页的 next_cursor",
        "The next_cursor of the page before",
    ),
    "mcp.argument.status": ("只要这个状态的", "Only those in this status"),
    "mcp.argument.q": (
        "只要提示词里有这些文字的",
        "Only those whose prompt has these words",
    ),
    "mcp.argument.template": (
        "每行一条提示词；{{红|蓝}} 依次代入其中每个词，几组就展开成所有组合",
        "One prompt a line; {{red|blue}} stands for each of its words in turn, several "
        "groups for every combination",
    ),
    "mcp.argument.prompts": (
        "提示词，每条照原样；和 template 至少写一个",
        "Prompts, each as it stands; this or template must be given",
    ),
    "mcp.argument.name": ("给这一批起的名字", "What to call the batch"),
    "mcp.argument.dry_run": (
        "只算几张、多少钱，什么也不提交",
        "Only say how many and for how much; nothing is asked for",
    ),
    "mcp.argument.batch_id": (
        "create_batch 返回的 batch_id",
        "The batch_id that create_batch gave",
    ),
    "mcp.argument.collection": (
        "相册的名称，或 list_collections 给的 id",
        "A collection's name, or its id, see list_collections",
    ),
    "mcp.batch_next": (
        "还没画完。过一会儿用 get_batch 再看",
        "Not all done yet. Look again with get_batch in a while",
    ),
    "mcp.batch_joined": (
        "这是之前一次同样的调用所建的批次，没有再提交。要再画一批，"
        "请给出 idempotency_key",
        "This is the batch of an earlier equal call; nothing more was asked for. For "
        "another one give an idempotency_key.",
    ),
    "mcp.next": (
        "还没画好。用这个 task_id 调用 get_task，wait_seconds 为 25，直到结束",
        "Not done yet. Call get_task with this task_id and wait_seconds 25 until it "
        "has ended",
    ),
    "mcp.joined": (
        "{words}（这是之前一次同样的调用所建的任务，没有重新画。要另一张，请换 seed 或 "
        "idempotency_key）",
        "{words} (This is the task of an earlier equal call; nothing new was drawn. "
        "For another picture change seed or idempotency_key.)",
    ),
    "mcp.refused": ("{words}（{code}）", "{words} ({code})"),
}

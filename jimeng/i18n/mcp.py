"""Messages for agents, besides the descriptions in the docstrings of the tools."""

MCP: dict[str, tuple[str, str]] = {
    "mcp.instructions": (
        "用即梦画图、生成视频。generate_image 和 generate_video 花钱：每张图、每个视频"
        "都计费。图片约 25 秒内完成就直接返回小图和原图链接，否则返回 task_id，之后用 "
        "get_task 取；视频要几分钟，总是这样取。给用户原图或视频的链接，小图只供你看。",
        "Makes pictures and videos. generate_image and generate_video cost money, for "
        "each picture and video. If pictures are done within about 25 seconds, you get "
        "small ones and links to the whole ones; otherwise a task_id, to be asked for "
        "with get_task, as always for videos, which take minutes. Give users the links "
        "to the whole pictures and videos; the small ones are for you to view.",
    ),
    "mcp.batch_next": (
        "还没全部完成。过一会儿用 get_batch 再看",
        "Not all done yet. Poll again with get_batch in a while",
    ),
    "mcp.batch_joined": (
        "这是之前一次同样的调用所建的批量任务，没有再提交。要再提交一批，"
        "请给出 idempotency_key",
        "This is the batch of an earlier identical call; nothing more was submitted. "
        "For another one give an idempotency_key.",
    ),
    "mcp.next": (
        "还没完成。用这个 task_id 调用 get_task，wait_seconds 为 25，直到结束",
        "Not done yet. Call get_task with this task_id and wait_seconds 25 until it "
        "has ended",
    ),
    "mcp.joined": (
        "{message}（这是之前一次同样的调用所建的任务，没有重新生成。要另一个，请换 "
        "seed 或 idempotency_key）",
        "{message} (This is the task of an earlier identical call; nothing was "
        "generated again. For another result change seed or idempotency_key.)",
    ),
    "mcp.refused": ("{message}（{code}）", "{message} ({code})"),
}

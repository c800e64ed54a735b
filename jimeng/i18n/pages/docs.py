"""Messages of the API reference page."""

DOCS: dict[str, tuple[str, str]] = {
    "docs.title": ("即梦 API 文档", "jimeng: the API"),
    "docs.ways": ("接口", "Operations"),
    "docs.key": ("API 密钥", "API key"),
    "docs.key_hint": (
        "试用下面的接口时用它；只留在这一页里。",
        "Used by what you try below; it stays in this page alone.",
    ),
    "docs.name": ("名称", "Name"),
    "docs.type": ("类型", "Type"),
    "docs.meaning": ("说明", "Meaning"),
    "docs.required": ("必填", "required"),
    "docs.parameters_of": ("{of}：参数", "{of}: parameters"),
    "docs.body": ("请求体", "Body"),
    "docs.body_of": ("{of}：请求体", "{of}: body"),
    "docs.request": ("请求", "Request"),
    "docs.server": (
        "命令里的 $JIMENG 是这个服务器的地址。",
        "In the commands $JIMENG is the address of this server.",
    ),
    "docs.copy": ("复制", "Copy"),
    "docs.answers": ("答复", "Answers"),
    "docs.errors": ("出错时的答复", "Answers of failures"),
    "docs.try": ("试一试", "Try it"),
    "docs.file": ("文件", "File"),
    "docs.send": ("发送", "Send"),
    "docs.unreachable": ("没有收到答复", "There was no answer"),
    "docs.schemas": ("数据结构", "Schemas"),
}

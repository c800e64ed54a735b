"""Messages of the API reference page."""

DOCS: dict[str, tuple[str, str]] = {
    "docs.title": ("即梦 API 文档", "jimeng API reference"),
    "docs.ways": ("接口", "Operations"),
    "docs.key": ("API 密钥", "API key"),
    "docs.key_hint": (
        "用于下面的“试一试”，只保存在这一页里。",
        "Used by “Try it” below; stored in this page only.",
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
        "命令里的 $JIMENG 是本服务器的地址。",
        "In the commands, $JIMENG is the address of this server.",
    ),
    "docs.copy": ("复制", "Copy"),
    "docs.answers": ("响应", "Responses"),
    "docs.errors": ("错误响应", "Error responses"),
    "docs.try": ("试一试", "Try it"),
    "docs.file": ("文件", "File"),
    "docs.send": ("发送", "Send"),
    "docs.unreachable": ("没有收到响应", "No response"),
    "docs.schemas": ("数据结构", "Schemas"),
}

"""What the fields of users and API keys mean, by ``Schema.field`` or ``field``."""

USER_FIELDS: dict[str, tuple[str, str]] = {
    "NewKey.name": ("密钥的名称，便于辨认", "A name to recognise the key by"),
    "NewKey.scopes": (
        "权限：read 查看，write 还能创建和修改，admin 对所有人；默认 read 和 write",
        "Permissions: read can look, write can also create and change, admin applies "
        "to all users; read and write by default",
    ),
    "NewKey.expires_at": (
        "何时失效（RFC 3339）；不写则一直有效",
        "When it expires (RFC 3339); never if omitted",
    ),
    "NewKey.doors": (
        "只能从哪些入口使用：api（/api/）、openai（/v1/）、mcp（/mcp）；不写则都可以",
        "Where it is good: api (/api/), openai (/v1/), mcp (/mcp); everywhere if "
        "omitted",
    ),
    "NewKey.models": (
        "只能用哪些模型；不写则都可以",
        "The models that it may ask for; all if omitted",
    ),
    "NewKey.tasks_per_minute": (
        "每分钟最多提交几个任务；不写则只受用户的限制",
        "Tasks that it may ask for in a minute; as many as its user if omitted",
    ),
    "NewKey.pictures_per_day": (
        "每天（UTC）最多几张图片；不写则只受用户的限制",
        "Pictures that it may ask for in a day (UTC); as many as its user if omitted",
    ),
    "doors": ("能从哪些入口使用；空为都可以", "Where it is good; empty for everywhere"),
    "models": ("能用哪些模型；空为都可以", "Models it may ask for; empty for all"),
    "tasks_per_minute": (
        "每分钟最多几个任务；null 为没有自己的限制",
        "Tasks in a minute; null for no limit of its own",
    ),
    "pictures_per_day": (
        "每天最多几张图片；null 为没有自己的限制",
        "Pictures in a day; null for no limit of its own",
    ),
    "KeyRecord.id": ("密钥的 id", "The key's id"),
    "KeyRecord.name": ("密钥的名称", "The key's name"),
    "KeyRevoked.id": ("密钥的 id", "The key's id"),
    "key": ("密钥本身，只出现这一次", "The key itself, shown only this once"),
    "prefix": ("密钥的开头几个字符", "The first characters of the key"),
    "scopes": ("权限", "Permissions"),
    "expires_at": ("何时失效；null 为一直有效", "When it expires; null for never"),
    "last_used_at": (
        "最近一次使用，精确到分钟；null 为从未使用",
        "Last use, to the minute; null for never",
    ),
}

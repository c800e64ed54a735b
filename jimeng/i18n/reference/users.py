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

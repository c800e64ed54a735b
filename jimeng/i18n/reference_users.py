"""What the fields of users and API keys mean, by ``Schema.field`` or ``field``."""

USER_FIELDS: dict[str, tuple[str, str]] = {
    "NewKey.name": ("密钥的名称，便于辨认", "What to call the key"),
    "NewKey.scopes": (
        "权限：read 查看，write 还能创建和修改，admin 对所有人；默认 read 和 write",
        "What it may do: read looks, write changes as well, admin does so for "
        "everybody; read and write if left out",
    ),
    "NewKey.expires_at": (
        "何时失效（RFC 3339）；不写则一直有效",
        "When it ends, as in RFC 3339; left out, never",
    ),
    "KeyRecord.id": ("密钥的 id", "The key's id"),
    "KeyRecord.name": ("密钥的名称", "The key's name"),
    "NewKeyRecord.id": ("密钥的 id", "The key's id"),
    "NewKeyRecord.name": ("密钥的名称", "The key's name"),
    "KeyRevoked.id": ("密钥的 id", "The key's id"),
    "key": ("密钥本身，只出现这一次", "The key itself, this once"),
    "prefix": ("密钥的开头几个字符", "How the key begins"),
    "scopes": ("权限", "What it may do"),
    "expires_at": ("何时失效；null 为一直有效", "When it ends; null for never"),
    "last_used_at": (
        "最近一次使用，精确到分钟；null 为从未使用",
        "Last use, to the minute; null for never",
    ),
}

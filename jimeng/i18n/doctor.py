"""What to do about each thing that `flask doctor` finds."""

DOCTOR: dict[str, tuple[str, str]] = {
    "doctor.not_running": (
        "数据库没有运行：用 make run 启动，或设置 MONGODB_URI 和 REDIS_URL",
        "the databases do not run: start them with `make run`, or set MONGODB_URI and "
        "REDIS_URL",
    ),
    "doctor.settings": (
        "用 make run 可以，python -m jimeng.serve 会因此拒绝启动：改正这项设置",
        "`make run` does, but `python -m jimeng.serve` refuses to start so: set it",
    ),
    "doctor.mongodb_old": (
        "MongoDB 版本太旧：升级到 4.4 或更新",
        "this MongoDB is too old: upgrade to 4.4 or newer",
    ),
    "doctor.redis_old": (
        "Redis 版本太旧：升级到 6.0 或更新",
        "this Redis is too old: upgrade to 6.0 or newer",
    ),
    "doctor.redis_evicts": (
        "Redis 内存满时会丢弃数据：运行 CONFIG SET maxmemory-policy noeviction，"
        "并写进它的配置",
        "this Redis drops data when its memory is full: run `CONFIG SET "
        "maxmemory-policy noeviction`, and put it into its configuration",
    ),
    "doctor.slow": (
        "往返太慢：让数据库离服务器近一些，或看它忙些什么",
        "a round trip takes long: move the database nearer, or see what keeps it busy",
    ),
    "doctor.schema": (
        "数据还没有全部迁移到这个版本：运行 flask migrate",
        "not all data were brought to this release: run `flask migrate`",
    ),
    "doctor.indexes": (
        "索引不全：运行 flask indexes",
        "indexes are missing: run `flask indexes`",
    ),
    "doctor.storage": (
        "图片存不进去，或读出来不一样：看存储的日志、磁盘空间和账号权限",
        "pictures cannot be kept, or do not come back as they were: check the log of "
        "the store, its disk space and the account's permissions",
    ),
    "doctor.paused": (
        "管理员暂停的：用 flask queue resume，或在管理页的“队列”里恢复",
        "by an operator: resume it by `flask queue resume` or on the page “Queue”",
    ),
    "doctor.paused_by_disk": (
        "磁盘快满，自动暂停的：腾出 600 MiB 后自行恢复",
        "by itself, as the disk is nearly full: it goes on once 600 MiB are free",
    ),
    "doctor.paused_by_restore": (
        "从备份恢复后自动暂停的：看过之后用 flask queue resume sending 恢复",
        "by itself after a restore: look around, then `flask queue resume sending`",
    ),
    "doctor.descriptors": (
        "可打开的文件太少：调到 {least} 以上（ulimit -n，systemd 的 LimitNOFILE）",
        "too few files may be open: raise it to {least} or more (`ulimit -n`, "
        "systemd's LimitNOFILE)",
    ),
    "doctor.clock": (
        "本机时间与服务商相差太多，签名会被拒绝：启用 NTP 校时"
        "（timedatectl set-ntp true）",
        "this machine's clock differs from the provider's, which will refuse "
        "signatures: switch on NTP (`timedatectl set-ntp true`)",
    ),
    "doctor.clock_unknown": (
        "问不到服务商的时间：检查能否访问它的网络",
        "the provider's time cannot be asked for: check that the network reaches it",
    ),
    "doctor.public_url": (
        "这个地址没有通向本服务：检查 DNS、反向代理和 TLS 证书；从内网访问不到时，"
        "请在外面用浏览器确认",
        "this address does not lead to this server: check DNS, the reverse proxy and "
        "its certificate; where it cannot be reached from inside, try it from outside",
    ),
    "doctor.public_url_unset": (
        "没有设置；只在本机使用时不需要",
        "not set, which is fine as long as it is used on this machine only",
    ),
}

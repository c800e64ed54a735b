"""Advice for the findings of `flask doctor`."""

DOCTOR: dict[str, tuple[str, str]] = {
    "doctor.not_running": (
        "数据库没有运行：用 make run 启动，或设置 MONGODB_URI 和 REDIS_URL",
        "the databases are not running: start them with `make run`, or set "
        "MONGODB_URI and REDIS_URL",
    ),
    "doctor.demo": (
        "没有密钥，图片由 make run 的演示服务生成；要生成真实图片，"
        "设置 VOLCENGINE_ACCESS_KEY 和 VOLCENGINE_SECRET_KEY，或 ARK_API_KEY",
        "without keys, `make run` uses the demo provider; for real "
        "pictures set VOLCENGINE_ACCESS_KEY and VOLCENGINE_SECRET_KEY, or ARK_API_KEY",
    ),
    "doctor.settings": (
        "用 make run 没有问题；部署用的 gunicorn 和 huey_consumer 会因此拒绝启动："
        "部署前改正",
        "fine for `make run`, but `gunicorn` and `huey_consumer` refuse to start with "
        "this: fix it before you deploy",
    ),
    "doctor.mongodb_dns": (
        "MONGODB_URI（或副本集成员的配置）里的主机名解析不到：检查拼写和这台机器的 "
        "DNS，容器要和 MongoDB 在同一个网络里",
        "a host name in MONGODB_URI, or one by which a member of the replica set calls "
        "itself, does not resolve: check its spelling and this machine's DNS; a "
        "container has to be in MongoDB's network",
    ),
    "doctor.mongodb_refused": (
        "MONGODB_URI 指向的主机在，但端口没有程序监听：启动 mongod（看它的日志和"
        "磁盘空间），检查端口和 bindIp",
        "the host of MONGODB_URI refuses the connection: start mongod (its log and "
        "disk say why it ended), and check the port and its bindIp",
    ),
    "doctor.mongodb_replica_set": (
        "MONGODB_URI 里的 replicaSet 不是这台 MongoDB 的副本集名：在 mongosh 里用 "
        "rs.conf()._id 查看，改正它；单机去掉 replicaSet",
        "replicaSet in MONGODB_URI is not the name of this MongoDB's set: correct it "
        "to what `rs.conf()._id` prints in mongosh; drop it for a standalone",
    ),
    "doctor.mongodb_auth": (
        "MongoDB 不认可账号，或账号没有权限：检查 MONGODB_URI 里的用户名、密码"
        "（特殊字符要百分号编码）和 authSource",
        "MongoDB rejects the user, or grants it too little: check user, password "
        "(special characters percent-encoded) and authSource in MONGODB_URI",
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
    "doctor.prefixes_overlap": (
        "两个账号的密钥代表同样的客户：客户属于前面的密钥，后面的不能再代表他们。给其中"
        "一家创建前缀不重叠的密钥，再撤销旧的；并检查这些客户的任务和回调地址里，有没有"
        "另一家留下的",
        "keys of two accounts act for the same customers: they belong to the first "
        "key, and the other no longer acts for them. Create a key with a prefix of its "
        "own for one of the two, and revoke its old one; check these customers' tasks "
        "and webhooks for what the other account has left there",
    ),
    "doctor.slow": (
        "往返太慢：让数据库离服务器近一些，或检查它的负载",
        "a round trip takes long: move the database nearer, or check its load",
    ),
    "doctor.schema": (
        "数据还没有全部迁移到这个版本：运行 flask migrate",
        "some data are not migrated to this release: run `flask migrate`",
    ),
    "doctor.storage": (
        "图片无法保存，或读出来不一样：看存储的日志、磁盘空间和账号权限",
        "pictures cannot be stored, or are not read back unchanged: check the log of "
        "the store, its disk space and the account's permissions",
    ),
    "doctor.videos_space": (
        "视频先下载到这里的临时文件；空间不足时不提交新的视频，有空间后自动继续："
        "扩大磁盘，或设置 KEEP_VIDEO_GIB",
        "videos are downloaded to temporary files here; without enough space no new "
        "videos are submitted until there is some: enlarge the disk, or set "
        "KEEP_VIDEO_GIB",
    ),
    "doctor.videos_store": (
        "MongoDB 只存 128 MiB 以内的视频，更大的取不下来："
        "设置 STORAGE=file 或 STORAGE=s3，重启后用 flask storage move 移动已有的",
        "MongoDB stores videos of up to 128 MiB only, and larger ones would be lost: "
        "set STORAGE=file or STORAGE=s3, restart, and move the existing ones with "
        "`flask storage move`",
    ),
    "doctor.storage_lost": (
        "这张图片存过，现在找不到：STORAGE_DIR、S3_BUCKET、"
        "S3_PREFIX 还是原来的吗？目录挂载了吗？",
        "this picture was stored, and is missing now: are STORAGE_DIR, S3_BUCKET and "
        "S3_PREFIX unchanged, and is the directory mounted?",
    ),
    "doctor.s3_away": (
        "对象存储没有响应：检查 S3_ENDPOINT、网络和它是否在运行",
        "the object store does not answer: check S3_ENDPOINT, the network, and that "
        "it is running",
    ),
    "doctor.s3_bucket": (
        "没有这个存储桶：建好它，或改正 S3_BUCKET",
        "there is no such bucket: create it, or correct S3_BUCKET",
    ),
    "doctor.s3_keys": (
        "密钥不对或已失效：检查 S3_ACCESS_KEY 和 S3_SECRET_KEY",
        "the keys are wrong or no longer valid: check S3_ACCESS_KEY and S3_SECRET_KEY",
    ),
    "doctor.s3_denied": (
        "这些密钥没有权限：要能写、读、删这个桶里的对象，并列出它们",
        "these keys lack permissions: they need to put, get, delete and list objects "
        "of the bucket",
    ),
    "doctor.s3_clock": (
        "本机时间不准，签名被拒绝：启用 NTP 校时（timedatectl set-ntp true）",
        "this machine's clock is wrong, and signatures are refused: switch on NTP "
        "(`timedatectl set-ntp true`)",
    ),
    "doctor.s3_full": (
        "对象存储满了，或到了配额：扩容，或用 flask retention 看能让哪些旧图片到期",
        "the object store is full, or its quota is used up: enlarge it, or see with "
        "`flask retention` which old pictures could expire",
    ),
    "doctor.s3_region": (
        "存储桶在别的地域：改正 S3_REGION 和 S3_ENDPOINT",
        "the bucket is in another region: correct S3_REGION and S3_ENDPOINT",
    ),
    "doctor.s3_refuses": (
        "对象存储拒绝了请求：上面是它的错误代码，请查它的文档和日志",
        "the object store refused the request: its error code is above; see its "
        "documentation and log",
    ),
    "doctor.backup_unknown": (
        "还没有用 flask backup 备份过；docs/deployment.md 有每晚备份的定时器",
        "`flask backup` has not been run yet; docs/deployment.en.md has a timer for "
        "nightly backups",
    ),
    "doctor.backup_old": (
        "最近的备份太旧：看 systemctl status jimeng-backup 或 cron 的日志，"
        "以及备份目录的空间和权限",
        "the last backup is old: see `systemctl status jimeng-backup` or cron's "
        "mail, and the free space and permissions of the directory",
    ),
    "doctor.paused": (
        "管理员暂停的：用 flask queue resume，或在管理页的“队列”里恢复",
        "by an operator: resume it with `flask queue resume` or on the page “Queue”",
    ),
    "doctor.paused_by_disk": (
        "磁盘快满，自动暂停的：腾出 600 MiB 后自行恢复",
        "automatically, as the disk is nearly full: it resumes once 600 MiB are free",
    ),
    "doctor.paused_by_restore": (
        "从备份恢复后自动暂停的：检查之后用 flask queue resume 恢复",
        "automatically after a restore: check the data, then run `flask queue resume`",
    ),
    "doctor.watcher_stuck": (
        "在这个网页进程里等待的请求得不到任务结束的通知：重启网页进程，"
        "原因看它的日志（what=watcher）",
        "requests that wait in this web process are not told that their tasks have "
        "ended: restart the web processes; the cause is in its log (what=watcher)",
    ),
    "doctor.descriptors": (
        "可打开的文件太少：调到 {least} 以上（ulimit -n，systemd 的 LimitNOFILE）",
        "too few files may be open: raise it to {least} or more (`ulimit -n`, "
        "systemd's LimitNOFILE)",
    ),
    "doctor.provider_away": (
        "连接不上服务商：检查这台机器的网络、DNS、出站代理和防火墙，"
        "以及 VOLCENGINE_ENDPOINT 或 ARK_BASE_URL；排队的任务会等待，恢复后自动发送",
        "the provider cannot be reached: check this machine's network, DNS, outgoing "
        "proxy and firewall, and VOLCENGINE_ENDPOINT or ARK_BASE_URL; tasks wait in "
        "the queue and are sent automatically once it is back",
    ),
    "doctor.provider_fails": (
        "服务商没有返回可用的响应，这次检查不计费：稍后再查；若一直如此，"
        "看它的状态页，把方括号里的代码和请求号发给它的支持",
        "the provider gave no usable response; this check costs nothing. Check again "
        "later; if it persists, see its status page, and give its support the code "
        "and request id in brackets",
    ),
    "doctor.clock": (
        "本机时间与服务商相差太多，签名会被拒绝：启用 NTP 校时"
        "（timedatectl set-ntp true）",
        "this machine's clock differs from the provider's, which will refuse "
        "signatures: switch on NTP (`timedatectl set-ntp true`)",
    ),
    "doctor.clock_unknown": (
        "无法获取服务商的时间：检查能否访问它的网络",
        "the provider's time is not available: check that the network reaches it",
    ),
    "doctor.account_removed": (
        "这个账号已不在设置里，不再查询它的图片：它们会以“可能已经计费”结束，"
        "不会再次提交；12 小时内把账号加回 VOLCENGINE_ACCOUNTS 和密钥，就能取回",
        "this account is no longer in the settings, so its pictures are not polled: "
        "they end as possibly charged and are not submitted again; add it back to "
        "VOLCENGINE_ACCOUNTS with its keys within 12 hours and they are fetched",
    ),
    "doctor.limit_lowered": (
        "服务商拒绝了更多：同一账号是否还有别的程序在用，"
        "控制台里的并发是不是低于设置；每分钟会试着升回来，"
        "要立即恢复就运行 flask queue reset {lane}",
        "the provider refused more: does another program use the account, or does "
        "the console grant less than the settings say? A higher limit is tried every "
        "minute; to restore it at once, run `flask queue reset {lane}`",
    ),
    "doctor.public_url": (
        "这个地址没有通向本服务：检查 DNS、反向代理和 TLS 证书；从内网访问不到时，"
        "请在外面用浏览器确认",
        "this address does not lead to this server: check DNS, the reverse proxy and "
        "its certificate; where it cannot be reached from inside, try it from outside",
    ),
    "doctor.public_url_unset": (
        "没有设置；只在本机使用时不需要",
        "not set, which is fine while it is used on this machine only",
    ),
}

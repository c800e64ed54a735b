"""Advice for the findings of `flask doctor`."""

DOCTOR: dict[str, tuple[str, str]] = {
    "doctor.not_running": (
        "数据库没有运行：用 make run 启动，或设置 MONGODB_URI 和 REDIS_URL",
        "the databases do not run: start them with `make run`, or set MONGODB_URI and "
        "REDIS_URL",
    ),
    "doctor.demo": (
        "没有密钥，图片由 make run 的演示服务绘制；要画真图，"
        "设置 VOLCENGINE_ACCESS_KEY 和 VOLCENGINE_SECRET_KEY，或 ARK_API_KEY",
        "without keys the demo provider of `make run` draws; for real pictures set "
        "VOLCENGINE_ACCESS_KEY and VOLCENGINE_SECRET_KEY, or ARK_API_KEY",
    ),
    "doctor.settings": (
        "用 make run 没有问题；部署用的 python -m jimeng.serve 会因此拒绝启动："
        "部署前改正",
        "fine for `make run`; `python -m jimeng.serve` refuses to start so: set it "
        "before you deploy",
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
    "doctor.slow": (
        "往返太慢：让数据库离服务器近一些，或看它忙些什么",
        "a round trip takes long: move the database nearer, or see what keeps it busy",
    ),
    "doctor.schema": (
        "数据还没有全部迁移到这个版本：运行 flask migrate",
        "not all data were brought to this release: run `flask migrate`",
    ),
    "doctor.storage": (
        "图片存不进去，或读出来不一样：看存储的日志、磁盘空间和账号权限",
        "pictures cannot be kept, or do not come back as they were: check the log of "
        "the store, its disk space and the account's permissions",
    ),
    "doctor.videos_room": (
        "视频先存到这里的临时文件，地方不够时不提交新的视频，空出来后自动继续：扩大磁盘，"
        "或设置 KEEP_VIDEO_GIB",
        "videos arrive here as temporary files; without room for these no further "
        "videos are sent, until there is: enlarge the disk, or set KEEP_VIDEO_GIB",
    ),
    "doctor.videos_store": (
        "MongoDB 只存 128 MiB 以内的视频，更大的取不下来：设置 STORAGE=file 或 "
        "STORAGE=s3，重启后用 flask storage move 移动已有的",
        "MongoDB stores videos of up to 128 MiB only, and larger ones would be lost: "
        "set STORAGE=file or STORAGE=s3, restart, and move what there is by "
        "`flask storage move`",
    ),
    "doctor.storage_lost": (
        "这张图片存过，现在找不到：STORAGE_DIR、S3_BUCKET、S3_PREFIX 还是原来的吗？"
        "目录挂载了吗？",
        "this picture was kept, and is not there now: are STORAGE_DIR, S3_BUCKET and "
        "S3_PREFIX those of before, and is the directory mounted?",
    ),
    "doctor.s3_away": (
        "对象存储没有答复：检查 S3_ENDPOINT、网络和它是否在运行",
        "the object store does not answer: check S3_ENDPOINT, the network, and that "
        "it is running",
    ),
    "doctor.s3_bucket": (
        "没有这个存储桶：建好它，或改正 S3_BUCKET",
        "there is no such bucket: make it, or correct S3_BUCKET",
    ),
    "doctor.s3_keys": (
        "密钥不对或已失效：检查 S3_ACCESS_KEY 和 S3_SECRET_KEY",
        "its keys are wrong or no longer valid: check S3_ACCESS_KEY and S3_SECRET_KEY",
    ),
    "doctor.s3_denied": (
        "这些密钥没有权限：要能写、读、删这个桶里的对象，并列出它们",
        "these keys may not do that: they need to put, get and delete objects of the "
        "bucket, and to list them",
    ),
    "doctor.s3_clock": (
        "本机时间不准，签名被拒绝：启用 NTP 校时（timedatectl set-ntp true）",
        "this machine's clock is wrong, and signatures are refused: switch on NTP "
        "(`timedatectl set-ntp true`)",
    ),
    "doctor.s3_full": (
        "对象存储满了，或到了配额：扩容，或用 flask retention 看能让哪些旧图片到期",
        "the object store is full, or its quota is used up: enlarge it, or see with "
        "`flask retention` which old pictures could go",
    ),
    "doctor.s3_region": (
        "存储桶在别的地域：改正 S3_REGION 和 S3_ENDPOINT",
        "the bucket is in another region: correct S3_REGION and S3_ENDPOINT",
    ),
    "doctor.s3_refuses": (
        "对象存储拒绝了请求：上面是它的错误代码，查它的文档和日志",
        "the object store refuses: above is its code; look it up in its documentation, "
        "and see its log",
    ),
    "doctor.backup_unknown": (
        "还没有用 flask backup 备份过；docs/deployment.md 有每晚备份的定时器",
        "no backup by `flask backup` is known; docs/deployment.en.md has a timer that "
        "makes one every night",
    ),
    "doctor.backup_old": (
        "最近的备份太旧：看 systemctl status jimeng-backup 或 cron 的日志，"
        "以及备份目录的空间和权限",
        "the last backup is old: see `systemctl status jimeng-backup` or cron's mail, "
        "and the room and permissions of the directory",
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
        "从备份恢复后自动暂停的：看过之后用 flask queue resume 恢复",
        "by itself after a restore: look around, then `flask queue resume`",
    ),
    "doctor.descriptors": (
        "可打开的文件太少：调到 {least} 以上（ulimit -n，systemd 的 LimitNOFILE）",
        "too few files may be open: raise it to {least} or more (`ulimit -n`, "
        "systemd's LimitNOFILE)",
    ),
    "doctor.provider_away": (
        "连接不上服务商：检查这台机器的网络、DNS、出站代理和防火墙，以及 "
        "VOLCENGINE_ENDPOINT 或 ARK_BASE_URL；排队的任务会等待，恢复后自动发送",
        "the provider cannot be reached: check this machine's network, DNS, outgoing "
        "proxy and firewall, and VOLCENGINE_ENDPOINT or ARK_BASE_URL; tasks wait in "
        "the queue and are sent by themselves once it is back",
    ),
    "doctor.provider_fails": (
        "服务商没有给出能用的答复，这次检查不收费：稍后再查；若一直如此，"
        "看它的状态页，把方括号里的代码和请求号发给它的支持",
        "the provider gave no usable answer; this check costs nothing. Check again in "
        "a while; if it stays so, see its status page, and give its support the code "
        "and request id in the brackets",
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
    "doctor.account_removed": (
        "这个账号已不在设置里，没有人查询它手上的图片：它们会以“可能已经计费”结束，"
        "不会再次提交；12 小时内把账号加回 VOLCENGINE_ACCOUNTS 和密钥，就能取回",
        "this account is no longer in the settings, so nobody asks for its pictures: "
        "they end as perhaps charged and are not submitted again; add it back to "
        "VOLCENGINE_ACCOUNTS with its keys within 12 hours and they are fetched",
    ),
    "doctor.limit_lowered": (
        "服务商拒绝了更多：同一账号是否还有别的程序在用，控制台里的并发是不是低于设置；"
        "每分钟会试着升回来，不想等就 flask queue reset {lane}",
        "the provider refused more: does another program use the account, or does the "
        "console grant less than the settings say? A higher limit is tried every "
        "minute; not to wait: `flask queue reset {lane}`",
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

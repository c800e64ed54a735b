"""Advice for the reasons why a server is not ready."""

READY: dict[str, tuple[str, str]] = {
    "ready.mongodb": (
        "MongoDB 没有响应：检查它是否在运行，以及 MONGODB_URI 是否正确",
        "MongoDB does not answer: check that it is running and that MONGODB_URI is "
        "right",
    ),
    "ready.mongodb_clock": (
        "MongoDB 所在机器的时钟比它的数据落后一年以上，它拒绝一切请求：校准那台机器的"
        "时钟，如启用 NTP 校时（timedatectl set-ntp true）",
        "The clock of MongoDB's machine is more than a year behind its data, so it "
        "refuses every request: set that clock, such as by NTP "
        "(`timedatectl set-ntp true`)",
    ),
    "ready.mongodb_refuses": (
        "MongoDB 能读不能写：检查主节点、磁盘空间和账号权限",
        "MongoDB can be read but not written: check its primary, its disk space and "
        "the account's permissions",
    ),
    "ready.redis": (
        "Redis 没有响应：检查它是否在运行，以及 REDIS_URL 是否正确",
        "Redis does not answer: check that it is running and that REDIS_URL is right",
    ),
    "ready.redis_full": (
        "Redis 内存已满，不接受写入：调大 maxmemory，或清理别的程序的数据",
        "Redis is out of memory and refuses writes: raise maxmemory, or remove other "
        "programs' data",
    ),
    "ready.redis_read_only": (
        "Redis 是只读副本：让 REDIS_URL 指向主节点",
        "This Redis is a read-only replica: point REDIS_URL at the primary",
    ),
    "ready.redis_refuses": (
        "Redis 拒绝写入：看它的日志，常见的是无法保存到磁盘，或账号没有权限",
        "Redis refuses writes: check its log; often it cannot save to disk, or the "
        "account lacks permission",
    ),
    "ready.disk": (
        "数据库或图片目录所在的磁盘快满了：腾出空间",
        "A disk that holds databases or pictures is nearly full: free some space",
    ),
    "ready.storage": (
        "图片无法保存，已生成的图片在等待：flask doctor 会说怎么办",
        "Pictures cannot be stored, and finished ones are waiting: `flask doctor` "
        "says what to do",
    ),
    "ready.release_too_old": (
        "数据库已由更新的版本迁移，这个版本不能再用：重新安装那个版本",
        "A later release has migrated the database, and this one can no longer use "
        "it: install that release again",
    ),
    "ready.index_missing": (
        "缺少索引，或与程序要求的不同：运行 flask indexes，它会建好，或列出重复的数据",
        "Indexes are missing or not as required: run `flask indexes`, which builds "
        "them or names the duplicates in their way",
    ),
    "ready.worker": (
        "没有在运行的工作进程：启动 worker，看它的日志",
        "No worker is running: start one, and check its log",
    ),
    "ready.jobs_untaken": (
        "队列里的任务很久没人取走：工作进程的线程都卡住了，看它们的日志，重启工作进程",
        "No worker has taken the next job in the queue for a while, as all their "
        "threads hang: check their logs, and restart them",
    ),
    "ready.overdue": (
        "到期的图片一分钟以上没人处理：工作进程太少、卡住或正在追赶，看它们的日志",
        "Pictures have been due for over a minute and no worker takes them: there are "
        "too few workers, or they hang or are catching up; check their logs",
    ),
    "ready.lane_stalled": (
        "有图片在等，却半分钟没有提交：看工作进程的日志，重启工作进程；若槽位被另一"
        "版本的图片占着，日志会说，请运行那个版本",
        "Pictures are waiting, but nothing was submitted for half a minute: restart "
        "the workers, and check their logs; where pictures of another release hold all "
        "slots, the logs say so: run that release",
    ),
    "ready.no_provider": (
        "没有服务商的密钥：设置 VOLCENGINE_ACCESS_KEY 和 VOLCENGINE_SECRET_KEY，或 "
        "ARK_API_KEY",
        "No provider has keys: set VOLCENGINE_ACCESS_KEY and VOLCENGINE_SECRET_KEY, "
        "or ARK_API_KEY",
    ),
}

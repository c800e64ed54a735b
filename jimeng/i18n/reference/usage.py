"""What the fields of usage mean, by ``Schema.field`` or ``field``."""

USAGE_FIELDS: dict[str, tuple[str, str]] = {
    "from": (
        "第一天（UTC），如 2026-01-01；默认是 to 之前的第 29 天",
        "First day (UTC), e.g. 2026-01-01; defaults to 29 days before to",
    ),
    "to": (
        "最后一天（UTC），包含在内；默认是今天",
        "Last day (UTC), inclusive; defaults to today",
    ),
    "days": (
        "有图片结束的各天，最新的在前",
        "Days on which pictures ended, newest first",
    ),
    "models": ("当天的各个模型", "The models used that day"),
    "ModelUsage.model": ("模型的名称", "The model's name"),
    "outcomes": ("各种结果的图片数", "Pictures by outcome"),
    "outcome": (
        "结果：done 完成，failed 失败，cancelled 未提交就取消，"
        "unknown 不知道服务方是否受理",
        "done, failed, cancelled (before it was submitted), or unknown (whether the "
        "provider accepted it)",
    ),
    "pictures": ("图片数", "Pictures"),
    "OutcomeUsage.charged": ("其中计费的多少", "How many of them were charged"),
    "UsageTotals.charged": ("其中计费的多少", "How many of them were charged"),
    "no": ("没有计费", "Not charged"),
    "unknown": ("不确定是否计费", "Perhaps charged"),
    "yes": ("已计费", "Charged"),
    "totals": ("这些天合计", "Totals for all days"),
    "complete": (
        "为 false 时，较早的日子还在第一次清点，尚未列出",
        "False while earlier days are still being counted for the first time, and "
        "are left out",
    ),
}

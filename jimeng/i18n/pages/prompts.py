"""Messages of saved prompts."""

PROMPTS: dict[str, tuple[str, str]] = {
    "prompts.title": ("已保存的提示词", "Saved prompts"),
    "prompts.open": ("已保存的提示词", "Saved prompts"),
    "prompts.name": ("名称", "Name"),
    "prompts.name_now": ("给当前提示词起个名字", "Name the current prompt"),
    "prompts.save": ("保存", "Save"),
    "prompts.with_seed": ("包含种子", "Include the seed"),
    "prompts.manage": ("重命名或删除", "Rename or delete"),
    "prompts.use": ("使用", "Use"),
    "prompts.used": (
        "已换成保存的提示词和设置",
        "Now using the saved prompt and settings",
    ),
    "prompts.rename": ("重命名", "Rename"),
    "prompts.delete": ("删除", "Delete"),
    "prompts.new": ("保存这条提示词", "Save this prompt"),
    "prompts.back": ("返回创作", "Back to Create"),
    "prompts.none": ("还没有已保存的提示词", "No saved prompts yet"),
    "prompts.none_text": (
        "写好提示词，打开“历史”，起个名字保存，在任何设备上都能用。",
        "Write a prompt, open “History” and give it a name; it is available on all "
        "your devices.",
    ),
    "act.prompts.save": ("替他人保存提示词", "Saved a prompt for another user"),
    "act.prompts.change": (
        "更改他人保存的提示词",
        "Changed another user's saved prompt",
    ),
    "act.prompts.delete": (
        "删除他人保存的提示词",
        "Deleted another user's saved prompt",
    ),
    "fact.prompt": ("提示词", "Prompt"),
    "prompts.done.saved": ("已保存", "Saved"),
    "prompts.done.renamed": ("已重命名", "Renamed"),
    "prompts.done.deleted": ("已删除", "Deleted"),
}

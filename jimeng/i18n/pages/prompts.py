"""Messages of saved prompts."""

PROMPTS: dict[str, tuple[str, str]] = {
    "prompts.title": ("已保存的提示词", "Saved prompts"),
    "prompts.open": ("已保存的提示词", "Saved prompts"),
    "prompts.name": ("名字", "Name"),
    "prompts.name_now": ("给当前提示词起个名字", "Name the current prompt"),
    "prompts.save": ("保存", "Save"),
    "prompts.with_seed": ("连同种子", "With its seed"),
    "prompts.manage": ("改名或删除", "Rename or delete"),
    "prompts.use": ("用它", "Use"),
    "prompts.used": (
        "已换成保存的提示词和设置",
        "The saved prompt and settings are in place",
    ),
    "prompts.rename": ("改名", "Rename"),
    "prompts.delete": ("删除", "Delete"),
    "prompts.new": ("保存这条提示词", "Save this prompt"),
    "prompts.back": ("返回创作", "Back to Create"),
    "prompts.none": ("还没有已保存的提示词", "No saved prompts yet"),
    "prompts.none_words": (
        "写好后点时钟按钮，起个名字保存，在任何设备上都能用。",
        "Write a prompt, press the clock and give it a name; it is available on all "
        "your devices.",
    ),
    "act.prompts.save": ("替他人保存提示词", "Saved a prompt for another"),
    "act.prompts.change": ("更改他人保存的提示词", "Changed another's saved prompt"),
    "act.prompts.delete": ("删除他人保存的提示词", "Deleted another's saved prompt"),
    "fact.prompt": ("提示词", "Prompt"),
    "prompts.done.saved": ("已保存", "Saved"),
    "prompts.done.renamed": ("已改名", "Renamed"),
    "prompts.done.deleted": ("已删除", "Deleted"),
}

"""What the fields of saved prompts mean, by ``Schema.field``."""

NAME = (
    "名称，去掉首尾空白后 1 到 60 个字符",
    "The name: 1 to 60 characters after trimming",
)
PROMPT = ("提示词，1 到 10000 个字符", "The prompt, 1 to 10,000 characters")
SEED = ("种子；null 为每次抽取", "The seed; null: one is drawn each time")

PROMPT_FIELDS: dict[str, tuple[str, str]] = {
    "NewPrompt.name": NAME,
    "PromptChanges.name": NAME,
    "NewPrompt.prompt": PROMPT,
    "PromptChanges.prompt": PROMPT,
    "PromptRecord.prompt": ("提示词", "The prompt"),
    "NewPrompt.seed": SEED,
    "PromptChanges.seed": SEED,
    "PromptRecord.seed": SEED,
}

"""Descriptions of fields that several schemas share."""

from jimeng.documents.task import MAX_NAME, MAX_PAIRS, MAX_VALUE
from jimeng.gallery.collections import MAX_NAME_CHARS
from jimeng.gallery.saved_prompts import MAX_PROMPT_CHARS
from jimeng.tasks.queries import MAX_OFFSET

MODEL = "A model's name or alias, see GET /api/v1/models; the default model if omitted"
MAKES = "What it makes: image or video"
SIZE = (
    "WIDTHxHEIGHT such as 1024x1024, a ratio (1:1 4:3 3:4 3:2 2:3 16:9 9:16 "
    "21:9), or one of the model's names (1K 2K 4K); sizes below the model's minimum "
    "are scaled up, keeping the ratio"
)
QUALITY = (
    "standard, or hd: the largest area for the ratio. Only applies if size is "
    "omitted or is a ratio"
)
STYLE = (
    "An id or a name from GET /api/v1/styles is replaced by its phrase; other "
    "text is appended to the prompt as it is"
)
N = "Number of pictures; each is submitted and charged separately"
SEED = "Seed; -1 for a random one. The seed used is in the result"
PROVIDER = "volcengine_jimeng or volcengine_ark; decided by the model if omitted"
PROMPT = (
    "What the picture shows. After trimming, 1 to as many characters as the model "
    "accepts (usually 800), including the style's phrase"
)
IMAGES = (
    "Input pictures, in the order in which the prompt refers to them. Ids of uploads, "
    "ids or links of your own pictures, https URLs, or data: URLs; the number depends "
    "on the model"
)
STRENGTH = "How far to deviate from the inputs, 0 to 1; only for models that accept it"
USER_ID = (
    "The task's owner: 1 to 64 letters, digits and _ - . @ :; no user record is "
    "needed. With sign-in on it defaults to the key's owner; a key with act_for may "
    "name users under its prefix, any other user is a 403"
)
WEBHOOK_URL = (
    "An https URL that is notified of the end, signed with the secret of "
    "GET /api/v1/webhooks/secret"
)
WEBHOOK_EVENTS = (
    "Which of these events to send: task.completed, task.failed, task.cancelled; all "
    "if omitted"
)
METADATA = (
    f"Text of your own, such as an order number: up to {MAX_PAIRS} pairs, names up to "
    f"{MAX_NAME} and values up to {MAX_VALUE} characters. Returned unchanged, can be "
    "filtered by, never sent to the provider"
)
METADATA_FILTER = (
    "Only those whose metadata has this pair, written as metadata.NAME=VALUE; of "
    "several parameters all must match"
)
TYPE = "Kind of task: image (image_generation is the same) or video"
DELAY = "Seconds before it may start"
SELECTED_STATUS = "Selects the user's tasks with this status, the newest 100"
CANCEL = "Cancels it (POST)"
CODE = "Stable code for programs"
MESSAGE = "A sentence for people"
RETRYABLE = "Whether a retry may succeed"
BATCH_ID = "The batch's id; opaque"
NAME = "Name"
STATUS = "pending → processing → completed, failed or cancelled"
INPUT = "The request's parameters, as sent"
COUNT_OF_PROMPTS = "How many prompts it has"
CREATED_AT = "When it was created (UTC)"
UPDATED_AT = "When it last changed"
LINKS = "URLs of further requests; follow these rather than building your own"
WIDTH = "Width in pixels"
HEIGHT = "Height in pixels"
ONLY_STATUS = (
    "Only those with this status; repeat it for several: status=failed&status=cancelled"
)
CREATED_AFTER = "Only those created at this time or later"
CREATED_BEFORE = "Only those created before this time"
SHORT_NAME = f"The name: 1 to {MAX_NAME_CHARS} characters after trimming"
SHOWS_PROMPTS = "Whether the page shows the prompts of its pictures"
ID = "Identifier"
LIMIT = "Entries per page"
OFFSET = (
    f"How many of the newest to skip, at most {MAX_OFFSET:,}; for older ones use the "
    "list with a cursor"
)
MIN_SIDE = "Minimum width and height, in pixels"
MAX_SIDE = "Maximum width and height, in pixels"
MAX_RATIO = "Maximum of longer side ÷ shorter side"
CURRENCY = "The currency"
MICROS = "Of one picture, in millionths of a yuan, exact"
AS_OF = "The day of the price list; null for a price of the operator's"
MAX_IMAGES = "Maximum pictures in one task"
TASK_ID = "The task's id; opaque"
SUCCESS = "Whether it succeeded"
NEXT_CURSOR = "Cursor of the next page; null on the last one"
ERROR = "Error code, for programs"
RESULTS = "One result per task, in the order requested"
SAVED_SEED = "The seed; null for a random one each time"
SAVED_PROMPT = f"The prompt, 1 to {MAX_PROMPT_CHARS:,} characters"
EMAIL = "E-mail, unique ignoring case"
KEY_ID = "The key's id"
DATE = "Date, in the billing time zone"
PROCESSED = "Pictures processed: completed and failed ones"
FAILED = "Failed pictures"
COMPLETED = "Completed pictures"
CANCELLED = "Pictures cancelled before they were submitted"
HOST = "Machine name"
LAST_HEARTBEAT = "Latest heartbeat; sent every 5 s"
ALIVE = "Whether the heartbeat is recent"
STARTED_AT = "When processing started"
SLOTS_IN_USE = "Slots in use"
CONFIGURED_LIMIT = "Configured concurrency limit"
BACK_OFF_UNTIL = "Nothing is submitted before then: the provider asked to back off"
MODEL_NAME = "The model's name"
PENDING = "Waiting pictures that were never submitted"
RETRY = "Pictures waiting to be submitted again after a refusal, not charged"
PAUSED = (
    "What an operator has paused: intake (new tasks), sending, webhooks; not a fault"
)
SUSPENDED = (
    "Accounts that the provider has refused (key, arrears, quota): they are suspended "
    "for a while, others go on; not a fault"
)
LOWERED = (
    "Model queues whose slots are below the configured limit, because the provider "
    "refused more, while pictures wait or for ten minutes after the last refusal; with "
    "several accounts account@lane. A higher limit is tried every minute; not a fault"
)
SPENT = (
    "Budgets of all users together, day or month, that are spent: requests are "
    "answered 402 until they are reset or raised; not a fault"
)
PROVIDER_REFUSES = (
    "Models whose submissions of the last quarter of an hour were all refused because "
    "of the account, or not answered; not a fault of this server"
)
REQUEST_ID = "The request's id, also in the logs"
BYTES = "Bytes"
CONTENT_TYPE = "Media type"
POSITION = "Tasks ahead of it, starting at 0"
ETA_SECONDS = (
    "Estimated seconds until it starts. Unknown while sending is paused or no worker "
    "is running: null at creation, and omitted afterwards"
)
RETRIED_FROM = "The task that this one is a retry of"
IMAGE_URL = "Link to the first picture; never expires. null if there is none"
VIDEO_URL = (
    "Link to the first video; never expires. null if there is none. Only in tasks of "
    "videos"
)
ALL_PICTURES = "All pictures"
PROGRESS = "Percent; never goes back"
RESULT = "The pictures, once it is completed"
WHY_FAILED = "Why it failed"
FROM = (
    "First day, in the billing time zone, e.g. 2026-01-01; defaults to 29 days before "
    "to"
)
TO = "Last day, inclusive; defaults to today"
PICTURES = "Pictures"
TASKS_OF_CUSTOMER = "Of a shop's customer: tasks per minute; null for the default"
PICTURES_OF_CUSTOMER = (
    "Of a shop's customer: pictures per day, 0 for none; null for the default"
)
DAILY_BUDGET_MICROS = (
    "What may be spent in a day, in millionths of a yuan, with what is reserved; null "
    "for the default"
)
MONTHLY_BUDGET_MICROS = (
    "What may be spent in a month, in millionths of a yuan; null for the default"
)
COST = "Cost in yuan; null while it is not known"
COST_MICROS = "Cost in millionths of a yuan; null while it is not known"
HELD_MICROS = (
    "Reserved until the cost is known, in millionths of a yuan; null if the price is "
    "not known"
)
CHARGED = "How many of them were charged"
OUTCOMES = "Pictures by outcome"
BACKGROUND = "The background, which is never transparent"
OUTPUT_FORMAT = "The format of pictures, for b64_json only"
NO_EFFECT = "Accepted, but has no effect"
EDIT_MASK = (
    "The part to change: a PNG, repainted where it is transparent, as large as the "
    "first picture"
)
CREATED = "The time, in seconds since 1970"
OBJECT = "What this is"

"""Calls the simulator with the package volcengine-ark-runtime: port, API key."""

import sys

from volcenginesdkarkruntime import Ark
from volcenginesdkarkruntime._exceptions import ArkAPIError

MODEL = "doubao-seedream-4-0-250828"
VIDEO_MODEL = "doubao-seedance-2-0-mini-260615"
PROMPT = "雪地里的红狐狸"
# 32 by 32 pixels of one colour.
PIXELS = (
    "data:image/png;base64,"
    "iVBORw0KGgoAAAANSUhEUgAAACAAAAAgAQAAAABbAUdZAAAADElEQVR42mNgGNwAAACgAA"
    "GO+7G0AAAAAElFTkSuQmCC"
)


def videos(client: Ark) -> list[str]:
    """Order, read, list and delete a video: what each said."""
    tasks = client.content_generation.tasks
    content = [{"type": "text", "text": PROMPT}]
    made = tasks.create(model=VIDEO_MODEL, content=content, duration=4)
    task = tasks.get(task_id=made.id)
    listed = tasks.list(page_size=5, status="succeeded", task_ids=[made.id])
    tasks.delete(task_id=made.id)
    left = tasks.list().total
    return [task.status, str(task.usage.completion_tokens), f"{listed.total}{left}"]


def main(port: str, key: str) -> str:
    """Have pictures drawn in each way; what came, or the error's type and code."""
    url = f"http://127.0.0.1:{port}/api/v3"
    client = Ark(base_url=url, api_key=key, max_retries=0)
    images = client.images
    found: list[str] = []
    try:
        plain = images.generate(model=MODEL, prompt=PROMPT, size="1K", image=[PIXELS])
        text = images.generate(
            model=MODEL, prompt=PROMPT, size="1K", response_format="b64_json"
        )
        found += [plain.data[0].size, str(plain.usage.generated_images)]
        found += [plain.data[0].url[:4], text.data[0].b64_json[:4]]
        found += videos(client)
        images.generate(model=MODEL, prompt="[[QuotaExceeded]]")
    except ArkAPIError as error:
        return " ".join([*found, type(error).__name__])
    return "no error"


if __name__ == "__main__":
    sys.stdout.write(main(*sys.argv[1:]))

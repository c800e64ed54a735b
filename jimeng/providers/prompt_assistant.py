"""
The prompt assistant: a chat model that expands, translates and describes, behind any
OpenAI-compatible endpoint. Optional, and no part of a submission.
"""

import base64
import json
import logging
from typing import Self

from jimeng.config import Config
from jimeng.errors import AssistantUnavailable
from jimeng.errors.outages import failed, works
from jimeng.providers.transport import CallFailed, Transport, parse, short

log = logging.getLogger(__name__)

MAX_RESULT_CHARS = 4000
READ_TIMEOUT_S = 45.0  # a chat model answers when it has written everything
CALL_TIMEOUT_S = 50.0
OUTAGE = "prompt assistant"

# The instructions say what to return; the result is only ever shown as text.
ONLY = "Answer with the prompt alone: no introduction, no quotation marks, no Markdown."
INSTRUCTIONS = {
    "expand": (
        "You write prompts for a text-to-image model. Expand the user's idea into one "
        "prompt: subject, setting, composition, light, colours, style. Keep its "
        "language and everything that it says; invent no text in the picture. Stay "
        "below {max_chars} characters. "
    ),
    "translate": (
        "Translate the user's prompt for a text-to-image model: Chinese into English, "
        "any other language into Chinese. Keep names, quoted text and anything in "
        "{{braces}} or <angle brackets>. "
    ),
    "describe": (
        "Describe the picture as a prompt for a text-to-image model that would make a "
        "similar one: subject, setting, composition, light, colours, style. Write in "
        "{language}, below {max_chars} characters. "
    ),
}


class PromptAssistant:
    """
    Attributes:
        model: The name of the chat model.
    """

    def __init__(self, url: str, model: str, key: str) -> None:
        self._url = f"{url.rstrip('/')}/chat/completions"
        self._key = key
        self._transport = Transport()
        self.model = model

    @classmethod
    def from_config(cls, config: Config) -> Self | None:
        """The assistant that *config* names; None if it names none."""
        if not config.PROMPT_ASSISTANT_MODEL:
            return None
        # Ark's key goes to Ark alone.
        is_ark = not config.PROMPT_ASSISTANT_URL
        key = config.PROMPT_ASSISTANT_KEY or (config.ARK_API_KEY if is_ark else "")
        url = config.PROMPT_ASSISTANT_URL or config.ARK_BASE_URL
        return cls(url, config.PROMPT_ASSISTANT_MODEL, key)

    def write(
        self,
        action: str,
        prompt: str,
        *,
        picture: tuple[str, bytes] | None = None,
        language: str = "Chinese",
        max_chars: int = 800,
    ) -> str:
        """
        Write a prompt.

        Args:
            action: One of `INSTRUCTIONS`.
            prompt: The user's text; unused if there is a picture.
            picture: Its content type and bytes.
            language: Of a description.
            max_chars: What the image model accepts.

        Raises:
            AssistantUnavailable: the endpoint did not answer with a text.
        """
        instructions = INSTRUCTIONS[action].format(
            max_chars=max_chars, language=language
        )
        content: object = prompt
        if picture is not None:
            url = f"data:{picture[0]};base64,{base64.b64encode(picture[1]).decode()}"
            content = [{"type": "image_url", "image_url": {"url": url}}]
        messages = [
            {"role": "system", "content": instructions + ONLY},
            {"role": "user", "content": content},
        ]
        text = self._complete({"model": self.model, "messages": messages})
        works(OUTAGE)
        return text

    def _complete(self, body: dict) -> str:
        headers = {"Content-Type": "application/json"}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        try:
            answer = self._transport.call(
                "POST",
                self._url,
                headers=headers,
                body=json.dumps(body).encode(),
                timeout=(3.0, READ_TIMEOUT_S),
                limit=CALL_TIMEOUT_S,
            )
        except CallFailed as error:
            raise _unavailable(f"unreachable: {error}") from error
        if answer.status != 200:
            raise _unavailable(f"status {answer.status} {_code_of(answer.body)}")
        text = _text_of(answer.body)
        if not text:
            raise _unavailable("an answer without a text")
        return text


def _unavailable(why: str) -> AssistantUnavailable:
    error = AssistantUnavailable(why, retry_after=10)
    failed(OUTAGE, error)
    return error


def _code_of(body: bytes) -> str:
    """The error's code, which is for the log; its message may quote the prompt."""
    try:
        found = parse(body)
    except ValueError:
        return ""
    error = found.get("error") if isinstance(found, dict) else None
    return short(error.get("code")) or "" if isinstance(error, dict) else ""


def _text_of(body: bytes) -> str:
    """The text of a chat completion, on one line or more; empty if there is none."""
    try:
        text = parse(body)["choices"][0]["message"]["content"]  # type: ignore[index]
    except (ValueError, LookupError, TypeError):
        return ""
    if not isinstance(text, str):
        return ""
    shown = "".join(char for char in text if char.isprintable() or char == "\n")
    return shown.strip()[:MAX_RESULT_CHARS]

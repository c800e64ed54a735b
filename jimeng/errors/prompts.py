"""Prompts that are kept under a name: gone, or as many as there may be."""

from jimeng.errors import JimengError


class PromptNotFound(JimengError):
    """There is none, or it is another's."""

    code = "prompt_not_found"
    status = 404


class TooManyPrompts(JimengError):
    """The user keeps as many as there may be."""

    code = "too_many_prompts"
    status = 409

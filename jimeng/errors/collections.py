"""Errors of collections, shares, saved prompts and webhooks."""

from jimeng.errors import JimengError


class CollectionNotFound(JimengError):
    """No such collection, or another user's."""

    code = "collection_not_found"
    status = 404


class CollectionNameTaken(JimengError):
    """The user has another collection of that name."""

    code = "collection_name_taken"
    status = 409
    form_field = "name"


class TooManyCollections(JimengError):
    """The user has the maximum number of collections."""

    code = "too_many_collections"
    status = 409


class CollectionFull(JimengError):
    """The collection would exceed its maximum number of pictures."""

    code = "collection_full"
    status = 409


class ShareNotFound(JimengError):
    """The share has ended, never existed, or is another user's: all look the same."""

    code = "share_not_found"
    status = 404


class TooManyShares(JimengError):
    """The user has the maximum number of shares."""

    code = "too_many_shares"
    status = 409


class PromptNotFound(JimengError):
    """No such saved prompt, or another user's."""

    code = "prompt_not_found"
    status = 404


class TooManyPrompts(JimengError):
    """The user has the maximum number of saved prompts."""

    code = "too_many_prompts"
    status = 409


class WebhookNotFound(JimengError):
    """No such endpoint, or another user's."""

    code = "webhook_not_found"
    status = 404


class DeliveryNotFound(JimengError):
    """The endpoint has no such delivery; ended ones are stored for 30 days."""

    code = "delivery_not_found"
    status = 404


class TooManyWebhooks(JimengError):
    """The user has the maximum number of webhook endpoints."""

    code = "too_many_webhooks"
    status = 409


class WebhookDisabled(JimengError):
    """The endpoint is disabled: nothing is sent to it until it is enabled."""

    code = "webhook_disabled"
    status = 409


class WebhooksOff(JimengError):
    """There is no ``SECRET_KEY`` from which signing secrets could be derived."""

    code = "webhooks_off"
    status = 409

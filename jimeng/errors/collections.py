"""What users keep, collections, shares, prompts: gone, taken, or as many as may be."""

from jimeng.errors import JimengError


class CollectionNotFound(JimengError):
    """There is none, or it is another's."""

    code = "collection_not_found"
    status = 404


class CollectionNameTaken(JimengError):
    """The user has another collection of that name."""

    code = "collection_name_taken"
    status = 409
    beside = "name"


class TooManyCollections(JimengError):
    """The user has as many as there may be."""

    code = "too_many_collections"
    status = 409


class CollectionFull(JimengError):
    """More pictures than one collection holds."""

    code = "collection_full"
    status = 409


class ShareNotFound(JimengError):
    """It has ended, was never there, or is another's: from outside all look alike."""

    code = "share_not_found"
    status = 404


class TooManyShares(JimengError):
    """The user shares as much as may be at a time."""

    code = "too_many_shares"
    status = 409


class PromptNotFound(JimengError):
    """There is none, or it is another's."""

    code = "prompt_not_found"
    status = 404


class TooManyPrompts(JimengError):
    """The user keeps as many as there may be."""

    code = "too_many_prompts"
    status = 409


class WebhookNotFound(JimengError):
    """There is none, or it is another's."""

    code = "webhook_not_found"
    status = 404


class DeliveryNotFound(JimengError):
    """The endpoint has none of that id; what has ended is listed for 30 days."""

    code = "delivery_not_found"
    status = 404


class TooManyWebhooks(JimengError):
    """The user has as many as there may be."""

    code = "too_many_webhooks"
    status = 409


class WebhookDisabled(JimengError):
    """Nothing is sent to the endpoint until it is enabled."""

    code = "webhook_disabled"
    status = 409


class WebhooksOff(JimengError):
    """There is no ``SECRET_KEY`` that secrets could be made of."""

    code = "webhooks_off"
    status = 409

"""Errors of collections, shares, saved prompts and webhooks."""

from jimeng.errors import Conflict, NotFound


class CollectionNotFound(NotFound):
    """No such collection, or another user's."""

    code = "collection_not_found"


class CollectionNameTaken(Conflict):
    """The user has another collection of that name."""

    code = "collection_name_taken"
    form_field = "name"


class TooManyCollections(Conflict):
    """The user has the maximum number of collections."""

    code = "too_many_collections"


class CollectionFull(Conflict):
    """The collection would exceed its maximum number of pictures."""

    code = "collection_full"


class ShareNotFound(NotFound):
    """The share has ended, never existed, or is another user's: all look the same."""

    code = "share_not_found"


class TooManyShares(Conflict):
    """The user has the maximum number of shares."""

    code = "too_many_shares"


class PromptNotFound(NotFound):
    """No such saved prompt, or another user's."""

    code = "prompt_not_found"


class TooManyPrompts(Conflict):
    """The user has the maximum number of saved prompts."""

    code = "too_many_prompts"


class WebhookNotFound(NotFound):
    """No such endpoint, or another user's."""

    code = "webhook_not_found"


class DeliveryNotFound(NotFound):
    """The endpoint has no such delivery; ended ones are stored for 30 days."""

    code = "delivery_not_found"


class TooManyWebhooks(Conflict):
    """The user has the maximum number of webhook endpoints."""

    code = "too_many_webhooks"


class WebhookDisabled(Conflict):
    """The endpoint is disabled: nothing is sent to it until it is enabled."""

    code = "webhook_disabled"


class WebhooksOff(Conflict):
    """There is no ``SECRET_KEY`` from which signing secrets could be derived."""

    code = "webhooks_off"

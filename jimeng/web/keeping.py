"""How long pictures stay here, where the operator does not keep all for ever."""

from flask import current_app

from jimeng.config import Config
from jimeng.i18n import t


def keeping() -> str | None:
    """What is to be known of that; None: they stay."""
    config: Config = current_app.config["JIMENG"]
    if config.KEEP_DAYS:
        return t("gallery.kept_days", n=config.KEEP_DAYS)
    return t("gallery.kept_room") if config.KEEP_GIB else None

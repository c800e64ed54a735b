"""The words of the gallery."""

GALLERY: dict[str, tuple[str, str]] = {}

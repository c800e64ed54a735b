"""Kinds of documents; pictures have none."""

# A later release may store documents of other kinds, marked by `kind`. Code that
# claims, sweeps or ends documents skips these, whatever their state. Pictures have no
# kind.
VIDEO = "video"
_KINDS = [None, VIDEO]
KNOWN_KIND: dict[str, object] = {"kind": {"$in": _KINDS}}
OTHER_KIND: dict[str, object] = {"kind": {"$nin": _KINDS}}

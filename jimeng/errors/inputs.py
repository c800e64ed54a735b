"""Errors of uploads."""

from jimeng.errors import NotFound, TooMany, Unavailable


class UploadNotFound(NotFound):
    """The upload was deleted, never existed, or is another user's."""

    code = "upload_not_found"


class TooManyUploads(TooMany):
    """More uploads in a minute than one user may make."""

    code = "too_many_uploads"


class UploadsFull(TooMany):
    """The user has the maximum number of uploads that no task refers to."""

    code = "uploads_full"


class ServerBusy(Unavailable):
    """This process is receiving the maximum number of large requests."""

    code = "server_busy"

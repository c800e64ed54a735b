"""Errors of uploads."""

from jimeng.errors import JimengError


class UploadNotFound(JimengError):
    """The upload was deleted, never existed, or is another user's."""

    code = "upload_not_found"
    status = 404


class TooManyUploads(JimengError):
    """More uploads in a minute than one user may make."""

    code = "too_many_uploads"
    status = 429


class UploadsFull(JimengError):
    """The user has the maximum number of uploads that no task refers to."""

    code = "uploads_full"
    status = 429


class ServerBusy(JimengError):
    """This process is receiving the maximum number of large requests."""

    code = "server_busy"
    status = 503

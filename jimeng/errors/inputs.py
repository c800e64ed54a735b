"""Pictures that users give: gone, too many, or more at a time than can be taken in."""

from jimeng.errors import JimengError


class UploadNotFound(JimengError):
    """It is gone, was never there, or is another's."""

    code = "upload_not_found"
    status = 404


class TooManyUploads(JimengError):
    """More in a minute than one user may send."""

    code = "too_many_uploads"
    status = 429


class UploadsFull(JimengError):
    """The user has as many pictures here that no task names as there may be."""

    code = "uploads_full"
    status = 429


class ServerBusy(JimengError):
    """As many large requests are being taken in as this process can hold."""

    code = "server_busy"
    status = 503

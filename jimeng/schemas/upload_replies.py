"""What the REST API says of uploads."""

from jimeng.documents import Input
from jimeng.schemas.kinds import Reply, fixed, flag, instant, text, whole

UPLOAD = "upload_q2xVn0bXyG7tD5m4JcLr9A"


def expiry(found: Input):
    """Until when it is there though no task names it; None where one does."""
    return found.keep_until if found.unnamed else None


class UploadRecord(Reply):
    """A picture that was given."""

    id = text(example=UPLOAD)
    width = whole(minimum=1, example=1536)
    height = whole(minimum=1, example=2048)
    bytes = whole(minimum=1, example=412871)
    content_type = text(example="image/jpeg")
    has_alpha = flag("alpha", example=False)
    created_at = instant()
    expires_at = instant(expiry, null=True, example=...)


class UploadDeleted(Reply):
    id = text(example=UPLOAD)
    message = fixed("answer.upload_deleted")

"""
A bucket of an object store that speaks S3: TOS, MinIO, AWS.

boto3 signs and understands; what is sent goes through the connections that the
providers' calls use, so that everything has one try, and 20 s in all. A store that
does not answer holds up one caller at a time, and not every thread that wants a
picture.
"""

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import BinaryIO
from urllib.parse import urlsplit

from boto3.session import Session
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.client import BaseClient
from botocore.config import Config as ClientConfig
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError
from requests import PreparedRequest, RequestException
from requests.structures import CaseInsensitiveDict
from urllib3.exceptions import HTTPError

from jimeng.config import Config
from jimeng.errors import StorageUnavailable
from jimeng.providers.connections import PIECE, Call, WatchedAdapter, thread
from jimeng.providers.transport import CAP

TIMEOUT = (3.0, 10.0)  # seconds to connect and to send a piece, to wait for each packet
WITHIN = 20.0  # seconds for all that one call here asks for
RESTS = 3.0  # seconds for which a store that did not answer is left alone
IN_A_ROW = 2  # unanswered, from which on it is
NOT_THERE = frozenset({"NoSuchKey", "NotFound", "404"})
# What is to be done about it, by the code of an answer; ``doctor.s3_<reason>``.
REASONS = {
    **dict.fromkeys(("NoSuchBucket", "InvalidBucketName"), "bucket"),
    **dict.fromkeys(
        ("InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken"), "keys"
    ),
    **dict.fromkeys(("AccessDenied", "AllAccessDisabled", "403"), "denied"),
    **dict.fromkeys(("RequestTimeTooSkewed", "RequestExpired"), "clock"),
    **dict.fromkeys(
        ("QuotaExceeded", "XMinioAdminBucketQuotaExceeded", "XMinioStorageFull"),
        "full",
    ),
    **dict.fromkeys(("InsufficientStorage", "507"), "full"),
    **dict.fromkeys(
        ("PermanentRedirect", "AuthorizationHeaderMalformed", "301"), "region"
    ),
}
AWAY, REFUSES = "away", "refuses"
NEVER = float("-inf")
SILENT = "it has not answered just now"


class Leash(Call):
    """All requests of one operation, sent and answered within one time."""

    def __init__(self) -> None:
        super().__init__(WITHIN, None, CAP, None)

    def pieces(self, data: bytes) -> Iterator[bytes | memoryview]:
        view = memoryview(data)
        for start in range(0, len(view), PIECE):
            self.remaining()
            yield view[start : start + PIECE]

    def renew(self) -> None:
        """Begin anew: a reader has come back for more."""
        self._begin(WITHIN)


class Bucket:
    """
    The objects of a bucket by their keys; any number of threads may share one.

    Args:
        config: Its ``S3_`` settings. Without keys there those are used that boto3 finds
            on the machine, such as the role of an instance.
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        self.where = f"s3://{config.S3_BUCKET}/{config.S3_PREFIX}"
        self._adapter = WatchedAdapter()
        self._clients: dict[str, BaseClient] = {}
        self._making = threading.Lock()
        self._asking = threading.local()
        self._unanswered = 0
        self._failed_at = 0.0
        self._trial = threading.Lock()
        self.kept_at = NEVER  # when it last took something in, and has not failed since

    @contextmanager
    def operation(self) -> Iterator[Leash]:
        """
        All that is asked for inside has `WITHIN` in all.

        Raises:
            StorageUnavailable: it failed; or it is away, and was not even asked.
        """
        self.require_answers()
        is_trial = self._unanswered >= IN_A_ROW
        if is_trial and not self._trial.acquire(blocking=False):
            raise unavailable(SILENT, AWAY)
        self._asking.leash = leash = Leash()
        try:
            with self.trouble():
                yield leash
        finally:
            del self._asking.leash
            if is_trial:
                self._trial.release()

    def require_answers(self) -> None:
        """
        Raises:
            StorageUnavailable: it has just been silent more than once.
        """
        is_fresh = time.monotonic() < self._failed_at + RESTS
        if is_fresh and self._unanswered >= IN_A_ROW:
            raise unavailable(SILENT, AWAY)

    @contextmanager
    def trouble(self) -> Iterator[None]:
        """
        Note that it does not answer, or refuses.

        Raises:
            StorageUnavailable: whatever goes wrong, without its address.
        """
        try:
            yield
        except ClientError as error:
            self.kept_at = NEVER
            raise unavailable(code_of(error), reason_of(error)) from None
        except NoCredentialsError as error:
            self._clients.clear()  # they may come to be there
            raise unavailable("there are no keys for it", "keys") from error
        except (BotoCoreError, RequestException, HTTPError, OSError) as error:
            self._unanswered += 1
            self._failed_at, self.kept_at = time.monotonic(), NEVER
            raise unavailable(type(error).__name__, AWAY) from None

    def put(self, key: str, content: bytes) -> None:
        """Keep an object; to be called in an `operation`."""
        self._client().put_object(**self._named(key), Body=content)
        self.kept_at = time.monotonic()

    def get(self, key: str, start: int = 0) -> tuple[BinaryIO, int] | None:
        """
        An object from its *start*-th byte on, and how many come; None where there is
        none. To be called in an `operation`.
        """
        wanted = {"Range": f"bytes={start}-"} if start else {}
        try:
            answer = self._client().get_object(**self._named(key), **wanted)
        except ClientError as error:
            if code_of(error) in NOT_THERE:
                return None
            raise
        return answer["Body"], answer["ContentLength"]

    def delete(self, key: str) -> None:
        """Forget an object; none there is as good. To be called in an `operation`."""
        self._client().delete_object(**self._named(key))

    def link(self, key: str, *, seconds: float, content_type: str) -> str:
        """A link under which anybody can fetch an object for a while."""
        about = {**self._named(key), "ResponseContentType": content_type}
        public = self._config.S3_PUBLIC_ENDPOINT or self._config.S3_ENDPOINT
        with self.trouble():
            return self._client(public).generate_presigned_url(
                "get_object", Params=about, ExpiresIn=int(seconds)
            )

    def _named(self, key: str) -> dict[str, str]:
        config = self._config
        return {"Bucket": config.S3_BUCKET, "Key": f"{config.S3_PREFIX}{key}"}

    def _client(self, endpoint: str | None = None) -> BaseClient:
        """That of an endpoint, made when it is first needed: after the fork."""
        endpoint = self._config.S3_ENDPOINT if endpoint is None else endpoint
        with self._making:
            if endpoint not in self._clients:
                self._clients[endpoint] = made = make_client(self._config, endpoint)
                made.meta.events.register("before-send.s3", self._send)
            return self._clients[endpoint]

    def _send(self, request: AWSPreparedRequest, **about: object) -> AWSResponse:
        """Send a request that is signed, in place of boto3."""
        plain = PreparedRequest()
        plain.method, plain.url, plain.body = request.method, request.url, request.body
        plain.headers = headers_of(request.headers)
        thread.call = self._asking.leash
        try:
            answer = self._adapter.send(
                plain,
                stream=True,
                timeout=TIMEOUT,
                verify=self._config.S3_CA_BUNDLE or True,
            )
        finally:
            del thread.call
        self._unanswered = 0
        return AWSResponse(request.url, answer.status_code, answer.headers, answer.raw)


def make_client(config: Config, endpoint: str) -> BaseClient:
    session = Session(
        aws_access_key_id=config.S3_ACCESS_KEY or None,
        aws_secret_access_key=config.S3_SECRET_KEY or None,
        region_name=config.S3_REGION,
    )
    return session.client(
        "s3",
        endpoint_url=endpoint or None,
        config=ClientConfig(
            signature_version="s3v4",
            retries={"total_max_attempts": 1},
            # What S3 has learnt since others copied it: TOS refuses such requests.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            s3={"addressing_style": addressing(config.S3_ADDRESSING, endpoint)},
        ),
    )


def addressing(style: str, endpoint: str) -> str:
    """
    Where the bucket's name stands: before the host's (``virtual``), or in the path.

    A host without a dot, ``minio`` or ``localhost``, hardly has names below it; an
    address by numbers boto3 knows itself.
    """
    if style != "auto":
        return style
    is_bare = endpoint and "." not in (urlsplit(endpoint).hostname or "")
    return "path" if is_bare else "virtual"


def headers_of(given: Mapping[str, str | bytes]) -> CaseInsensitiveDict:
    """Without ``Expect``: who waits for that to be answered is not us."""
    plain = {k: v.decode() if isinstance(v, bytes) else v for k, v in given.items()}
    return CaseInsensitiveDict({k: v for k, v in plain.items() if k != "Expect"})


def code_of(error: ClientError) -> str:
    """What the answer says; its status where it says nothing."""
    return str(error.response["Error"].get("Code", "refused"))


def reason_of(error: ClientError) -> str:
    about = error.response.get("ResponseMetadata", {})
    by_status = REASONS.get(str(about.get("HTTPStatusCode")), REFUSES)
    return REASONS.get(code_of(error), by_status)


def unavailable(why: str, reason: str) -> StorageUnavailable:
    return StorageUnavailable(f"object store: {why}", retry_after=5, reason=reason)

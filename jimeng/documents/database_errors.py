"""Classify MongoDB errors: the database is unavailable, or our request is invalid."""

import struct
import traceback
from collections.abc import Iterator

from bson.errors import InvalidBSON
from pymongo.errors import (
    BulkWriteError,
    CollectionInvalid,
    DuplicateKeyError,
    InvalidName,
    InvalidOperation,
    InvalidURI,
    OperationFailure,
    PyMongoError,
)

# Raised by the driver for a malformed response. Other code raises these as well, so the
# traceback decides.
PARSING_ERRORS = (LookupError, struct.error)
# Modules that parse responses.
READERS = ("pymongo.", "jimeng.documents.base", "jimeng.documents.commands")
TROUBLES = (PyMongoError, InvalidBSON, *PARSING_ERRORS)
OURS = (
    CollectionInvalid,
    DuplicateKeyError,
    InvalidName,
    InvalidOperation,
    InvalidURI,
)
DUPLICATE_KEY = 11000
CLUSTER_TIME_TOO_FAR = 205
# Codes by which MongoDB rejects a request as invalid. All others, unknown ones too,
# count as failures of the server.
# Source: https://github.com/mongodb/mongo/blob/master/src/mongo/base/error_codes.yml
INVALID_REQUEST_CODES = frozenset(
    {
        2,  # BadValue
        3,  # NoSuchKey
        4,  # GraphContainsCycle
        9,  # FailedToParse
        14,  # TypeMismatch
        15,  # Overflow
        16,  # InvalidLength
        17,  # ProtocolError
        22,  # InvalidBSON
        28,  # PathNotViable
        40,  # ConflictingUpdateOperators
        52,  # DollarPrefixedFieldName
        53,  # InvalidIdField
        54,  # NotSingleValueField
        55,  # InvalidDBRef
        56,  # EmptyFieldName
        57,  # DottedFieldName
        59,  # CommandNotFound
        66,  # ImmutableField
        72,  # InvalidOptions
        73,  # InvalidNamespace
        168,  # InvalidPipelineOperator
        224,  # QueryFeatureNotAllowed
        10334,  # BSONObjectTooLarge
        DUPLICATE_KEY,
        40415,  # IDLUnknownField
        40414,  # IDLFailedToParse
        40413,  # IDLDuplicateField
    }
)


def is_away(error: Exception) -> bool:
    """
    Whether MongoDB failed to execute a valid request, so that a retry may succeed.

    True if it does not answer, violates the protocol, is not the primary, is out of
    space, timed out, or failed with an unknown code. False for an invalid request.
    """
    if isinstance(error, PyMongoError) and error.timeout:
        return True
    if isinstance(error, OperationFailure):
        return lacks_index(error) or not any(map(_is_invalid_request, _failures(error)))
    if isinstance(error, (PyMongoError, InvalidBSON)):
        return not isinstance(error, OURS)
    return _is_of_the_driver(error)


def lacks_index(error: Exception) -> bool:
    """Whether a query failed because the index in its hint does not exist."""
    return isinstance(error, OperationFailure) and "hint provided" in str(error)


def is_clock_behind(error: Exception) -> bool:
    """
    Whether MongoDB, a replica set, refused because its machine's clock is over a year
    behind its data.
    """
    return isinstance(error, OperationFailure) and error.code == CLUSTER_TIME_TOO_FAR


def _is_of_the_driver(error: Exception) -> bool:
    """Whether the driver failed to parse a response, such as for a missing field."""
    if not isinstance(error, PARSING_ERRORS):
        return False
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    return any(frames) and frames[-1].f_globals["__name__"].startswith(READERS)


def _failures(error: OperationFailure) -> Iterator[tuple[int | None, str]]:
    """Yield the code and name of each failure in *error*."""
    found = error.details or {}
    if isinstance(error, BulkWriteError):
        for each in found.get("writeErrors", []):
            yield each.get("code"), each.get("codeName", "")
        return
    yield error.code, found.get("codeName", "")


def _is_invalid_request(failure: tuple[int | None, str]) -> bool:
    code, name = failure
    # ``Location…`` codes have no name: they are assertions in MongoDB's source, nearly
    # all of which validate a stage, an expression or an argument.
    return code in INVALID_REQUEST_CODES or name.startswith("Location")

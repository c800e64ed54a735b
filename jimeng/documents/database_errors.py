"""What an error of MongoDB's means: it is away, or a request of ours is wrong."""

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

# What the driver raises where the answer is none, and by itself is no proof of that.
STUMBLES = (LookupError, struct.error)
READERS = ("pymongo.", "jimeng.documents.base")  # those who do
TROUBLES = (PyMongoError, InvalidBSON, *STUMBLES)
OURS = (
    CollectionInvalid,
    DuplicateKeyError,
    InvalidName,
    InvalidOperation,
    InvalidURI,
)
# Codes by which MongoDB says that a request makes no sense. Others, and such as are
# not known yet, are its own trouble.
# Source: https://github.com/mongodb/mongo/blob/master/src/mongo/base/error_codes.yml
SENSELESS = frozenset(
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
        11000,  # DuplicateKey
        40415,  # IDLUnknownField
        40414,  # IDLFailedToParse
        40413,  # IDLDuplicateField
    }
)


def is_away(error: Exception) -> bool:
    """
    Whether MongoDB could not do what it was asked, so that asking again may help.

    It does not answer, answers in no protocol, is not the primary, has no room, no
    time, or a trouble that nobody knows. False for a request that makes no sense.
    """
    if isinstance(error, PyMongoError) and error.timeout:
        return True
    if isinstance(error, OperationFailure):
        return lacks_index(error) or not any(map(_is_senseless, _failures(error)))
    if isinstance(error, (PyMongoError, InvalidBSON)):
        return not isinstance(error, OURS)
    return _is_of_the_driver(error)


def lacks_index(error: Exception) -> bool:
    """Whether MongoDB was told to use an index that it does not have."""
    return isinstance(error, OperationFailure) and "hint provided" in str(error)


def _is_of_the_driver(error: Exception) -> bool:
    """Whether the driver stumbled over an answer: a field that is not in it, say."""
    if not isinstance(error, STUMBLES):
        return False
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    return any(frames) and frames[-1].f_globals["__name__"].startswith(READERS)


def _failures(error: OperationFailure) -> Iterator[tuple[int | None, str]]:
    """Code and name of each failure that *error* stands for."""
    found = error.details or {}
    if isinstance(error, BulkWriteError):
        for each in found.get("writeErrors", []):
            yield each.get("code"), each.get("codeName", "")
        return
    yield error.code, found.get("codeName", "")


def _is_senseless(failure: tuple[int | None, str]) -> bool:
    code, name = failure
    # Numbers without a name are those of a check in the source: of a stage, an
    # expression or an argument, nearly all of them.
    return code in SENSELESS or name.startswith("Location")

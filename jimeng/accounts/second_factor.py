"""
The second factor: codes of an app (TOTP, RFC 6238), and recovery codes for its loss.

What is stored makes no codes: an app's secret comes of `SECRET_KEY` and a random salt
on the user's record, so that neither the database nor the key is enough. With another
`SECRET_KEY` the apps' codes are wrong; recovery codes, of which hashes are kept, go on.
"""

import base64
import hashlib
import hmac
import logging
import re
import secrets

import pyotp

from jimeng.accounts import failed_attempts
from jimeng.accounts.passwords import confirm
from jimeng.documents import User, utcnow
from jimeng.documents.principal import Principal
from jimeng.errors import Invalid
from jimeng.errors.access import SecondFactorFailed, UserNotFound

log = logging.getLogger(__name__)

STEP = 30  # seconds that a code of an app is good for
SKEW = (0, -1, 1)  # steps that the clock of a phone may be off
CODES = 10  # recovery codes
GROUPS, LETTERS = 6, 4  # of a recovery code: 120 bits, so that a plain hash is enough
OF_APP = re.compile(r"[0-9]{6}")
MAX_CODE_CHARS = 100  # characters that are looked at
WITHOUT = {name: "" for name in ("factor_salt", "factor_step", "factor_since")} | {
    "recovery_codes": ""
}


def is_lacking(user: User, required: str) -> bool:
    """
    Whether a user must set one up before anything else.

    Args:
        required: ``REQUIRE_SECOND_FACTOR``: ``off``, ``admins`` or ``all``.
    """
    asked = required == "all" or (required == "admins" and user.role == "admin")
    return asked and not user.factor_salt


def new_salt() -> str:
    return secrets.token_hex(16)


def secret_of(user: User, salt: str, key: str) -> str:
    """
    What an app makes its codes of, in base 32.

    Args:
        key: ``SECRET_KEY``.
    """
    text = f"second factor\n{user.id}\n{salt}"
    digest = hmac.digest(key.encode(), text.encode(), "sha256")
    return base64.b32encode(digest[:20]).decode()  # as long as RFC 4226 advises


def address_of(user: User, secret: str, issuer: str) -> str:
    """The ``otpauth:`` address that apps read from a QR code."""
    return pyotp.TOTP(secret).provisioning_uri(name=user.email, issuer_name=issuer)


def set_up(user: User, *, salt: str, code: str, key: str) -> tuple[User, list[str]]:
    """
    Ask for a second factor from now on; all sessions end.

    Args:
        code: What the app shows, which proves that it has the secret.

    Returns:
        The user, and the recovery codes, which nobody can be told again.

    Raises:
        Invalid: the code is wrong.
        UserNotFound: the user is gone, or has got another one in the meantime.
    """
    step = step_of(secret_of(user, salt, key), plain(code))
    if step is None:
        raise Invalid.field("code", "invalid.code_wrong")
    codes = new_codes()
    given = {
        "factor_salt": salt,
        "factor_step": step,
        "factor_since": utcnow(),
        "recovery_codes": [digest(each) for each in codes],
        "updated_at": utcnow(),
    }
    where = {"_id": user.id, "factor_salt": user.factor_salt}
    changed = User.find_and_modify(where, {"$set": given, "$inc": {"sessions": 1}})
    if changed is None:
        raise UserNotFound(f"user {user.id}")
    log.info("second factor set up user=%s", user.id)
    return changed, codes


def check(user: User, code: str, key: str) -> None:
    """
    Take a code of the user's app, or a recovery code: each of them once.

    Raises:
        SecondFactorFailed: it is none, or was used before.
        TooManyAttempts: too many were wrong lately.
    """
    given = plain(code)
    with failed_attempts.attempt(failed_attempts.of_code(user.id)):
        if not (use_step(user, given, key) or use_recovery(user, given)):
            # Whoever comes here knows the password.
            log.warning("second factor failed user=%s", user.id)
            raise SecondFactorFailed("wrong code")


def plain(code: str) -> str:
    """A code without what people write between its parts."""
    return re.sub(r"[\s\-]", "", code[:MAX_CODE_CHARS]).upper()


def step_of(secret: str, code: str) -> int | None:
    """Which half minute a code is of, as its number since 1970."""
    if not OF_APP.fullmatch(code):
        return None
    app, now = pyotp.TOTP(secret, interval=STEP), int(utcnow().timestamp()) // STEP
    steps = [now + off for off in SKEW]
    same = [s for s in steps if hmac.compare_digest(app.generate_otp(s), code)]
    return same[0] if same else None


def use_step(user: User, code: str, key: str) -> bool:
    """Whether the code is right, and newer than any that was used."""
    if not user.factor_salt:
        return False
    step = step_of(secret_of(user, user.factor_salt, key), code)
    older = {"factor_salt": user.factor_salt, "factor_step": {"$lt": step}}
    used = {"$set": {"factor_step": step}}
    return (
        step is not None
        and User.find_and_modify({"_id": user.id, **older}, used) is not None
    )


def use_recovery(user: User, code: str) -> bool:
    """Whether it is a recovery code that is left; then it is no more."""
    used = {"recovery_codes": digest(code)}
    left = User.find_and_modify({"_id": user.id, **used}, {"$pull": used})
    if left is not None:
        number = len(left.recovery_codes)
        log.warning("recovery code used user=%s left=%d", user.id, number)
    return left is not None


def renew_codes(principal: Principal, password: str) -> list[str]:
    """
    Other recovery codes; those before are worth nothing.

    Raises:
        Invalid: the password is wrong. TooManyAttempts, SignInBusy, UserNotFound: as
            `passwords.confirm`; the last also where there is no second factor.
    """
    user = confirm(principal, password)
    codes = new_codes()
    given = {"$set": {"recovery_codes": [digest(each) for each in codes]}}
    if (
        User.find_and_modify({"_id": user.id, "factor_salt": {"$exists": True}}, given)
        is None
    ):
        raise UserNotFound(f"user {user.id} has no second factor")
    log.info("recovery codes renewed user=%s", user.id)
    return codes


def remove(principal: Principal, password: str) -> None:
    """
    Ask for the password alone from now on.

    Raises:
        Invalid: it is wrong. TooManyAttempts and the rest: as `passwords.confirm`.
    """
    user = confirm(principal, password)
    User.find_and_modify(
        {"_id": user.id}, {"$unset": WITHOUT, "$set": {"updated_at": utcnow()}}
    )
    log.info("second factor removed user=%s", user.id)


def new_codes() -> list[str]:
    return [new_code() for _ in range(CODES)]


def new_code() -> str:
    letters = base64.b32encode(secrets.token_bytes(15)).decode()
    parts = [letters[n * LETTERS : (n + 1) * LETTERS] for n in range(GROUPS)]
    return "-".join(parts)


def digest(code: str) -> str:
    return hashlib.sha256(plain(code).encode()).hexdigest()

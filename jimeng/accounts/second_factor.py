"""
The second factor: codes of an app (TOTP, RFC 6238), and recovery codes.

The database alone yields no codes: an app's secret is derived from `SECRET_KEY` and a
random salt on the user's record. With another `SECRET_KEY` the apps' codes are wrong;
recovery codes, which are stored as hashes, still work.
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

STEP_S = 30  # validity of an app's code
SKEW = (0, -1, 1)  # steps by which a phone's clock may differ
CODES = 10  # number of recovery codes
GROUPS, LETTERS = 6, 4  # of a recovery code: 120 bits, so that a plain hash is enough
APP_CODE = re.compile(r"[0-9]{6}")
MAX_CODE_CHARS = 100  # longer codes are truncated
WITHOUT = {name: "" for name in ("factor_salt", "factor_step", "factor_since")} | {
    "recovery_codes": ""
}


def is_lacking(user: User, required: str) -> bool:
    """
    Whether the user must set up a second factor before anything else.

    Args:
        required: ``REQUIRE_SECOND_FACTOR``: ``off``, ``admins`` or ``all``.
    """
    asked = required == "all" or (required == "admins" and user.role == "admin")
    return asked and not user.factor_salt


def new_salt() -> str:
    return secrets.token_hex(16)


def secret_of(user: User, salt: str, key: str) -> str:
    """
    Derive the secret of the user's app, in Base32.

    Args:
        key: ``SECRET_KEY``.
    """
    text = f"second factor\n{user.id}\n{salt}"
    digest = hmac.digest(key.encode(), text.encode(), "sha256")
    return base64.b32encode(digest[:20]).decode()  # as long as RFC 4226 advises


def address_of(user: User, secret: str, issuer: str) -> str:
    """Build the ``otpauth:`` URI that apps read from a QR code."""
    return pyotp.TOTP(secret).provisioning_uri(name=user.email, issuer_name=issuer)


def set_up(user: User, *, salt: str, code: str, key: str) -> tuple[User, list[str]]:
    """
    Enable the second factor; all sessions end.

    Args:
        code: The app's current code, which proves that it has the secret.

    Returns:
        The user, and the recovery codes, which cannot be shown again.

    Raises:
        Invalid: the code is wrong.
        UserNotFound: the user was deleted, or has set up another one meanwhile.
    """
    step = step_of(secret_of(user, salt, key), normalise(code))
    if step is None:
        raise Invalid.field("code", "invalid.code_wrong")
    codes = new_codes()
    changes = {
        "factor_salt": salt,
        "factor_step": step,
        "factor_since": utcnow(),
        "recovery_codes": [digest(each) for each in codes],
        "updated_at": utcnow(),
    }
    where = {"_id": user.id, "factor_salt": user.factor_salt}
    changed = User.find_and_modify(where, {"$set": changes, "$inc": {"sessions": 1}})
    if changed is None:
        raise UserNotFound(f"user {user.id}")
    log.info("second factor set up user=%s", user.id)
    return changed, codes


def check(user: User, code: str, key: str) -> None:
    """
    Verify a code of the user's app, or a recovery code; each is accepted once.

    Raises:
        SecondFactorFailed: it is wrong, or was used before.
        TooManyAttempts: too many were wrong recently.
    """
    normalised = normalise(code)
    with failed_attempts.attempt(failed_attempts.of_code(user.id)):
        if not (use_step(user, normalised, key) or use_recovery(user, normalised)):
            # A warning, because the client knows the password.
            log.warning("second factor failed user=%s", user.id)
            raise SecondFactorFailed("wrong code")


def normalise(code: str) -> str:
    """Normalize a code: no spaces and hyphens, upper case."""
    return re.sub(r"[\s\-]", "", code[:MAX_CODE_CHARS]).upper()


def step_of(secret: str, code: str) -> int | None:
    """Return the time step of a code, counted since 1970; None if it is wrong."""
    if not APP_CODE.fullmatch(code):
        return None
    app, now = pyotp.TOTP(secret, interval=STEP_S), int(utcnow().timestamp()) // STEP_S
    steps = [now + off for off in SKEW]
    same = [s for s in steps if hmac.compare_digest(app.generate_otp(s), code)]
    return same[0] if same else None


def use_step(user: User, code: str, key: str) -> bool:
    """Accept a code of the app that is newer than any used before."""
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
    """Accept a remaining recovery code, and remove it."""
    used = {"recovery_codes": digest(code)}
    updated = User.find_and_modify({"_id": user.id, **used}, {"$pull": used})
    if updated is not None:
        number = len(updated.recovery_codes)
        log.warning("recovery code used user=%s remaining=%d", user.id, number)
    return updated is not None


def renew_codes(principal: Principal, password: str) -> list[str]:
    """
    Replace the recovery codes; earlier ones become invalid.

    Raises:
        Invalid: the password is wrong.
        UserNotFound: the user does not exist, or has no second factor.
        TooManyAttempts: as `passwords.confirm`; likewise SignInBusy.
    """
    user = confirm(principal, password)
    codes = new_codes()
    update = {"$set": {"recovery_codes": [digest(each) for each in codes]}}
    if (
        User.find_and_modify({"_id": user.id, "factor_salt": {"$exists": True}}, update)
        is None
    ):
        raise UserNotFound(f"user {user.id} has no second factor")
    log.info("recovery codes renewed user=%s", user.id)
    return codes


def remove(principal: Principal, password: str) -> None:
    """
    Disable the second factor.

    Raises:
        Invalid: the password is wrong.
        TooManyAttempts: as `passwords.confirm`, which raises other errors, too.
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
    return hashlib.sha256(normalise(code).encode()).hexdigest()

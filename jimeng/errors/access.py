"""Errors of authentication and authorization; accounts, keys and sessions."""

from jimeng.errors import JimengError


class CrossSite(JimengError):
    """A browser sent an unsafe request from another site."""

    code = "cross_site"
    status = 403


class WrongHost(JimengError):
    """The Host header names another server."""

    code = "wrong_host"
    status = 421


class AdminsOnly(JimengError):
    """Only operators may do this."""

    code = "admins_only"
    status = 403


class UserIdNotYours(AdminsOnly):
    """A task is submitted on behalf of another user."""

    code = "user_id_not_yours"


class Unauthorized(JimengError):
    """The request has no API key."""

    code = "unauthorized"
    status = 401


class ApiKeyInvalid(JimengError):
    """The API key is unknown, revoked or expired, or its owner is disabled."""

    code = "api_key_invalid"
    status = 401


class ScopeTooSmall(JimengError):
    """The API key lacks the scope."""

    code = "scope_too_small"
    status = 403


class InterfaceNotAllowed(JimengError):
    """The API key is limited to other interfaces."""

    code = "door_closed"
    status = 403


class ModelNotAllowed(JimengError):
    """The API key is limited to other models."""

    code = "model_not_allowed"
    status = 403


class SignInRequired(JimengError):
    """The page requires a session."""

    code = "sign_in_required"
    status = 401


class SignInFailed(JimengError):
    """Wrong e-mail or password, or a disabled account; it does not say which."""

    code = "sign_in_failed"
    status = 422


class SecondFactorFailed(SignInFailed):
    """The code is wrong, or was used before."""

    code = "second_factor_failed"


class SecondFactorLacking(SignInRequired):
    """The user has to set up a second factor before anything else."""

    code = "second_factor_lacking"


class TicketInvalid(JimengError):
    """The signed ticket of a form in several steps is invalid or has expired."""

    code = "ticket_invalid"
    status = 422


class TooManyAttempts(JimengError):
    """Too many sign-ins have failed recently."""

    code = "too_many_attempts"
    status = 429


class SignInBusy(JimengError):
    """Too many passwords are being verified at the same time."""

    code = "sign_in_busy"
    status = 429


class InvitationInvalid(JimengError):
    """The link was used or replaced, has expired, or never existed."""

    code = "invitation_invalid"
    status = 404


class SessionNotFound(JimengError):
    """The session has ended, or never existed."""

    code = "session_not_found"
    status = 404


class ApiKeyNotFound(JimengError):
    code = "api_key_not_found"
    status = 404


class UserNotFound(JimengError):
    code = "user_not_found"
    status = 404


class EmailTaken(JimengError):
    code = "email_taken"
    status = 409
    form_field = "email"


class EmailIsAdmins(JimengError):
    """The e-mail identifies the user, so only an admin may change it."""

    code = "email_by_admin"
    status = 403


class LastAdmin(JimengError):
    """The user is the last admin who can sign in."""

    code = "last_admin"
    status = 409


class NotYourself(JimengError):
    """Operators may not lock themselves out."""

    code = "not_yourself"
    status = 409

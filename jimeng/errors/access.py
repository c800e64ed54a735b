"""Errors of authentication and authorization; accounts, keys and sessions."""

from jimeng.errors import Conflict, Forbidden, JimengError, NotFound, TooMany


class CrossSite(Forbidden):
    """A browser sent an unsafe request from another site."""

    code = "cross_site"


class WrongHost(JimengError):
    """The Host header names another server."""

    code = "wrong_host"
    status = 421


class AdminsOnly(Forbidden):
    """Only operators may do this."""

    code = "admins_only"


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


class ScopeTooSmall(Forbidden):
    """The API key lacks the scope."""

    code = "scope_too_small"


class InterfaceNotAllowed(Forbidden):
    """The API key is limited to other interfaces."""

    code = "door_closed"


class ModelNotAllowed(Forbidden):
    """The API key is limited to other models."""

    code = "model_not_allowed"


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


class TooManyAttempts(TooMany):
    """Too many sign-ins have failed recently."""

    code = "too_many_attempts"


class SignInBusy(TooMany):
    """Too many passwords are being verified at the same time."""

    code = "sign_in_busy"


class InvitationInvalid(NotFound):
    """The link was used or replaced, has expired, or never existed."""

    code = "invitation_invalid"


class SessionNotFound(NotFound):
    """The session has ended, or never existed."""

    code = "session_not_found"


class ApiKeyNotFound(NotFound):
    code = "api_key_not_found"


class UserNotFound(NotFound):
    code = "user_not_found"


class EmailTaken(Conflict):
    code = "email_taken"
    form_field = "email"


class EmailIsAdmins(Forbidden):
    """The e-mail identifies the user, so only an admin may change it."""

    code = "email_by_admin"


class LastAdmin(Conflict):
    """The user is the last admin who can sign in."""

    code = "last_admin"


class NotYourself(Conflict):
    """Operators may not lock themselves out."""

    code = "not_yourself"

"""Who may not come in, or not do this; accounts, keys and sessions."""

from jimeng.errors import JimengError


class CrossSite(JimengError):
    """A browser sent an unsafe request from another site."""

    code = "cross_site"
    status = 403


class WrongHost(JimengError):
    """The Host header names a server that this one is not."""

    code = "wrong_host"
    status = 421


class AdminsOnly(JimengError):
    """What is asked for is the operator's to see."""

    code = "admins_only"
    status = 403


class UserIdNotYours(AdminsOnly):
    """A task is asked for in somebody else's name."""

    code = "user_id_not_yours"


class Unauthorized(JimengError):
    """There is no API key in the request."""

    code = "unauthorized"
    status = 401


class ApiKeyInvalid(JimengError):
    """The API key is unknown, revoked or expired, or its owner is kept out."""

    code = "api_key_invalid"
    status = 401


class ScopeTooSmall(JimengError):
    """The API key is not good for this."""

    code = "scope_too_small"
    status = 403


class DoorClosed(JimengError):
    """The API key is limited to other doors."""

    code = "door_closed"
    status = 403


class ModelNotAllowed(JimengError):
    """The API key is limited to other models."""

    code = "model_not_allowed"
    status = 403


class SignInRequired(JimengError):
    """A page was asked for by nobody who is signed in."""

    code = "sign_in_required"
    status = 401


class SignInFailed(JimengError):
    """E-mail or password is wrong, or the account is disabled: which is not told."""

    code = "sign_in_failed"
    status = 422


class SecondFactorFailed(SignInFailed):
    """The code is wrong, or was used before."""

    code = "second_factor_failed"


class SecondFactorLacking(SignInRequired):
    """Who is signed in must set up a second factor before anything else."""

    code = "second_factor_lacking"


class TicketInvalid(JimengError):
    """A form of several steps took too long, or has come to nothing."""

    code = "ticket_invalid"
    status = 422


class TooManyAttempts(JimengError):
    """Too many sign-ins have failed lately."""

    code = "too_many_attempts"
    status = 429


class SignInBusy(JimengError):
    """Too many passwords are being looked at in this moment."""

    code = "sign_in_busy"
    status = 429


class InvitationInvalid(JimengError):
    """The link was used, replaced, has expired, or never was."""

    code = "invitation_invalid"
    status = 404


class SessionNotFound(JimengError):
    """It has ended, or never was."""

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
    beside = "email"


class EmailIsAdmins(JimengError):
    """An e-mail is who somebody is here: only an admin gives another."""

    code = "email_by_admin"
    status = 403


class LastAdmin(JimengError):
    """Without this one there would be no operator."""

    code = "last_admin"
    status = 409


class NotYourself(JimengError):
    """What an operator would be locked out by."""

    code = "not_yourself"
    status = 409

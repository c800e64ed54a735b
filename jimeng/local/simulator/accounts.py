"""Further accounts beside the first: each with keys and a limit of its own."""

from dataclasses import dataclass, field

WANTED = "ACCESS_KEY:SECRET_KEY[:LIMIT[:ARK_KEY]]"


@dataclass(frozen=True)
class Account:
    """
    Attributes:
        name: Its access key, as the ledger names it; empty for the first account.
        limit: Running tasks of one req_key or model; None for those of `Settings`.
    """

    name: str
    access_key: str
    secret_key: str = field(repr=False)
    session_token: str = field(default="", repr=False)
    ark_key: str = field(default="", repr=False)
    limit: int | None = None


def parse(text: str) -> Account:
    """
    Read an account as the command line has it.

    Raises:
        ValueError: it is not as `WANTED` says.
    """
    access_key, secret_key, limit, ark_key, *more = [*text.split(":"), "", "", ""]
    if not (access_key and secret_key) or any(more):
        raise ValueError(f"must be {WANTED}")
    try:
        most = int(limit) if limit else None
    except ValueError:
        raise ValueError(f"must be {WANTED}") from None
    return Account(access_key, access_key, secret_key, "", ark_key, most)

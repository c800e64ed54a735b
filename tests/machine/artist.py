"""The provider: it answers as told, and keeps a ledger of what it was asked."""

import itertools
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from jimeng.documents import Generation
from jimeng.errors import ProviderError
from jimeng.providers import ImageRequest, Progress, Provider
from jimeng.providers.download import FetchFailed, LinkGone
from tests.conftest import png
from tests.machine.boundary import Boundaries

PICTURE = png(32, 32)
LINK = "https://pictures.example/one.png"

# What a submission may be answered with, and what an error carries.
CERTAINLY_NOT = {
    "busy": {"code": "concurrency_limited", "transient": True},
    "rate": {"code": "rate_limited", "transient": True},
    "unreachable": {"code": "provider_unreachable", "transient": True},
    "revoked": {"code": "credentials_invalid"},  # the account, whoever asks
}
SUBMITS = ["accept", "accept", *CERTAINLY_NOT, "refuse", "anew", "lost", "links"]
POLLS = ["bytes", "links", "not_yet", "transient", "refuse", "anew", "gone"]
FETCHES = ["fine", "failed", "gone", "broken"]
ENDS = {"refuse", "anew", "gone"}


def failure(answer: str) -> ProviderError:
    """The error that stands for *answer*."""
    values: dict = {
        **CERTAINLY_NOT,
        "refuse": {"code": "content_refused_prompt"},
        "anew": {"code": "content_refused_picture", "new_seed": True},
        "lost": {"code": "submit_unknown", "maybe_accepted": True},
        "transient": {"code": "provider_internal", "transient": True},
        "gone": {"code": "picture_lost"},
    }[answer]
    charged = {"lost": "unknown", "gone": "yes"}.get(answer, "no")
    return ProviderError(answer, charged=charged, **values)


@dataclass
class Submission:
    """
    One that reached the provider.

    Attributes:
        key: The generation, and which of its attempts it was.
        by: The number of the process that sent it.
        verdict: What became of it: ``called``, ``not``, ``refused``, ``anew``,
            ``accepted``.
        remote_id: The provider's name, where it has one.
        drawn: The provider drew it, and charges it.
        account: Whose key it was sent with.
    """

    key: tuple[str, int]
    by: int
    account: str
    verdict: str = "called"
    remote_id: str | None = None
    drawn: bool = False


@dataclass(frozen=True)
class Desk:
    """The provider, as one account asks it."""

    artist: "Artist"
    account: str
    concurrency: int
    prepare = Provider.prepare

    def submit(self, request: ImageRequest) -> Progress:
        return self.artist.submit(request, self.account)

    def poll(self, remote_id: str, request: ImageRequest) -> Progress:
        return self.artist.poll(remote_id, self.account)


class Artist:
    """
    Attributes:
        submits, polls, fetches: Answers to come; with none left, all goes well.
        cancelled: Task -> the process that had begun last when it was cancelled.
    """

    def __init__(self, boundaries: Boundaries, synchronous: str) -> None:
        self.submits: list[str] = []
        self.polls: list[str] = []
        self.fetches: list[str] = []
        self.cancelled: dict[str, int] = {}
        self.ledger: dict[str, list[Submission]] = defaultdict(list)
        self._boundaries = boundaries
        self._synchronous = synchronous
        self._drawings: dict[str, str] = {}
        self._numbers = itertools.count(1)

    def tell(
        self,
        submits: Sequence[str] = (),
        polls: Sequence[str] = (),
        fetches: Sequence[str] = (),
    ) -> None:
        """What to answer next; whatever was told before is forgotten."""
        self.submits[:], self.polls[:], self.fetches[:] = submits, polls, fetches

    def submit(self, request: ImageRequest, account: str) -> Progress:
        self._boundaries.reach("before submit")
        submission = self._enter(request, account)
        answer = self.submits.pop(0) if self.submits else "accept"
        progress = self._take(submission, answer, request)
        self._boundaries.reach("after submit")
        if progress is None:
            raise failure(answer)
        return progress

    def _enter(self, request: ImageRequest, account: str) -> Submission:
        """Look up whose picture this is, and hold that it may be asked for."""
        assert request.prompt, "a picture of nothing was asked for"
        rows = Generation.collection().find(
            {"seed": request.seed, "state": {"$in": ["submitting", "unknown"]}}
        )
        known = {each.key for each in itertools.chain(*self.ledger.values())}
        found = [row for row in rows if (row["_id"], row["attempts"]) not in known]
        assert found, "sent without a note of it"
        row = max(found, key=lambda row: row["sent_at"])
        frame = self._boundaries.frame
        assert row["account"] == account, "sent with another account's key"
        submission = Submission((row["_id"], row["attempts"]), frame.number, account)
        earlier = self.ledger[row["_id"]]
        for each in earlier:
            assert each.verdict in {"not", "anew"}, f"sent again after {each}"
        anew = [each for each in earlier if each.verdict == "anew"]
        assert len(anew) <= (0 if row["seed_given"] else 1), "drawn anew once too often"
        ended = self.cancelled.get(row["task_id"])
        assert ended is None or frame.number <= ended, "sent after it was cancelled"
        earlier.append(submission)
        return submission

    def _take(
        self, submission: Submission, answer: str, request: ImageRequest
    ) -> Progress | None:
        """Decide; None where the answer is a failure."""
        if answer in CERTAINLY_NOT:
            submission.verdict = "not"
            return None
        if answer in {"refuse", "anew"}:
            submission.verdict = "refused" if answer == "refuse" else "anew"
            return None
        submission.verdict = "accepted"
        if request.req_key == self._synchronous:
            submission.drawn = True
            done = Progress("", done=True, images=(PICTURE,))
            linked = Progress("", done=True, urls=(LINK,))
            return {"accept": done, "links": linked, "lost": None}[answer]
        if answer == "lost":
            return None
        submission.remote_id = f"remote-{next(self._numbers)}"
        self._drawings[submission.remote_id] = "running"
        return Progress(submission.remote_id)

    def poll(self, remote_id: str, account: str) -> Progress:
        self._boundaries.reach("before poll")
        assert remote_id in self._drawings, f"asked for {remote_id!r}"
        assert self._of(remote_id).account == account, "asked with another's key"
        answer = self.polls.pop(0) if self.polls else "bytes"
        answer = self._draw(remote_id, answer)
        self._boundaries.reach("after poll")
        if answer == "not_yet":
            return Progress(remote_id)
        if answer == "bytes":
            return Progress(remote_id, done=True, images=(PICTURE,))
        if answer == "links":
            return Progress(remote_id, done=True, urls=(LINK,))
        raise failure(answer)

    def _draw(self, remote_id: str, answer: str) -> str:
        """What is said of a drawing; once it has ended, always the same."""
        state = self._drawings[remote_id]
        if answer == "transient":
            return answer
        if state in ENDS or (state in {"bytes", "links"} and answer != "gone"):
            return state
        if answer != "not_yet":
            self._drawings[remote_id] = answer
            self._note(remote_id, answer)
        return answer

    def _note(self, remote_id: str, answer: str) -> None:
        each = self._of(remote_id)
        if answer == "anew":
            each.verdict = "anew"
        each.drawn = each.drawn or answer in {"bytes", "links"}

    def _of(self, remote_id: str) -> Submission:
        every = itertools.chain(*self.ledger.values())
        return next(each for each in every if each.remote_id == remote_id)

    def fetch(self, url: str, **_: object) -> bytes:
        self._boundaries.reach("before fetch")
        answer = self.fetches.pop(0) if self.fetches else "fine"
        self._boundaries.reach("after fetch")
        if answer == "failed":
            raise FetchFailed("cut off")
        if answer == "gone":
            raise LinkGone("over")
        return b"no picture" if answer == "broken" else PICTURE

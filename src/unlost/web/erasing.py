"""Erasures that were begun on a page: each is done beside it, for it may take minutes.

How one ended is known to this process alone. What was done is told by the proofs in the vault, whoever asks.
"""

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext_noop

from unlost.app.actions.erase import Erased, WishedErasure, erase
from unlost.app.compose import Application
from unlost.model.errors import Conflict, StoreError, UnlostError
from unlost.web import background

type _Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Progress:
    """How the last erasure of an org stands: under way, ended well, or not."""

    begun: datetime
    done: Erased | None = None
    error: UnlostError | None = None

    @property
    def going(self) -> bool:
        """True while it is under way."""
        return self.done is None and self.error is None


_progress: dict[_Key, Progress] = {}


def begin(app: Application, org: str, wish: WishedErasure, *, plan: str) -> None:
    """Begin what the plan of this digest said; raises Conflict (``erasure-under-way``)."""
    before = progress(app, org)
    if before is not None and before.going:
        raise Conflict(
            "erasure-under-way",
            gettext_noop("Records of this org are being erased."),
            next_step=gettext_noop("Wait until that is done."),
        )
    begun = app.clock.now()
    _progress[_key(app, org)] = Progress(begun)
    background.begin(lambda: _do(app, org, wish, plan=plan, begun=begun))


def progress(app: Application, org: str) -> Progress | None:
    """How the last one stands; None where this process has begun none."""
    return _progress.get(_key(app, org))


def _do(app: Application, org: str, wish: WishedErasure, *, plan: str, begun: datetime) -> None:
    try:
        ended = Progress(begun, done=erase(app, org, wish, plan=plan))
    except UnlostError as error:
        ended = Progress(begun, error=error)
    except Exception:  # noqa: BLE001 (the audit has its name, and nobody else could tell it)
        ended = Progress(begun, error=_broken())
    _progress[_key(app, org)] = ended


def _key(app: Application, org: str) -> _Key:
    return (str(app.home.root), org)


def _broken() -> StoreError:
    return StoreError(
        "erasure-broken",
        gettext_noop("The erasure broke off by a fault of ours."),
        next_step=gettext_noop(
            "Do the same again: either nothing was erased, or what is left is removed then."
        ),
    )

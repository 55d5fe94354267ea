"""Erasures and corrections started from a page: they run in threads, as they may take minutes.

Only this process knows the progress; the proofs in the vault show what was done.
"""

import threading
from dataclasses import dataclass, replace
from datetime import datetime

from unlost.app.actions.archive.expired import erase_expired
from unlost.app.actions.retention.erase import ErasureRequest, ErasureResult, erase
from unlost.app.actions.retention.rectify import CorrectionRequest, RectifyResult, rectify
from unlost.app.compose import Application
from unlost.model.errors import Conflict, StoreError, UnlostError
from unlost.web.parts import background

type _Key = tuple[str, str]
type ErasureOrCorrection = ErasureRequest | CorrectionRequest | RemovalStart


@dataclass(frozen=True, slots=True)
class RemovalStart:
    """The start of an approved erasure of archived records."""


@dataclass(frozen=True, slots=True)
class ErasureProgress:
    """The state of an org's last erasure or correction: active, done, or failed."""

    begun: datetime
    request: ErasureOrCorrection
    done: ErasureResult | RectifyResult | None = None
    error: UnlostError | None = None

    @property
    def going(self) -> bool:
        """True while it is active."""
        return self.done is None and self.error is None

    @property
    def corrects(self) -> bool:
        """True for a correction, which erases no record."""
        return isinstance(self.request, CorrectionRequest)


_progress: dict[_Key, ErasureProgress] = {}
_lock = threading.Lock()


def begin(app: Application, org: str, request: ErasureOrCorrection, *, plan: str) -> None:
    """Start the plan of this digest; raises Conflict (``erasure-under-way``)."""
    with _lock:
        before = progress(app, org)
        if before is not None and before.going:
            raise Conflict(
                "erasure-under-way",
                "Records of this org are being erased or corrected.",
                next_step="Wait until it is done.",
            )
        under_way = ErasureProgress(app.clock.now(), request)
        _progress[_key(app, org)] = under_way
    background.begin(lambda: _do(app, org, under_way, plan=plan))


def progress(app: Application, org: str) -> ErasureProgress | None:
    """Return the state of the last one; None if this process has started none."""
    return _progress.get(_key(app, org))


def _do(app: Application, org: str, under_way: ErasureProgress, *, plan: str) -> None:
    try:
        ended = replace(under_way, done=_act(app, org, under_way.request, plan=plan))
    except UnlostError as error:
        ended = replace(under_way, error=error)
    except Exception:  # noqa: BLE001 (the audit has its name; no caller waits for this thread)
        ended = replace(under_way, error=_broken())
    _progress[_key(app, org)] = ended


def _act(
    app: Application, org: str, request: ErasureOrCorrection, *, plan: str
) -> ErasureResult | RectifyResult:
    if isinstance(request, CorrectionRequest):
        return rectify(app, org, request, plan=plan)
    if isinstance(request, RemovalStart):
        return erase_expired(app, org, plan=plan).erasure
    return erase(app, org, request, plan=plan)


def _key(app: Application, org: str) -> _Key:
    return (str(app.home.root), org)


def _broken() -> StoreError:
    return StoreError(
        "erasure-broken",
        "It stopped because of an internal error.",
        next_step="Repeat it. Either nothing was done, or the rest is then removed.",
    )

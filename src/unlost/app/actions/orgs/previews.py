"""A look at an org that takes longer than a request may: kept, done beside, asked how it stands.

What is asked holds secrets, what is found may hold renewed ones: both lie sealed, for who asked alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

import msgspec
from blake3 import blake3
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from unlost.app.access import Where, action
from unlost.app.actions.orgs.orgs import NewOrg, OrgPreview
from unlost.app.actions.orgs.orgs import preview_org as look_at
from unlost.app.compose import Application
from unlost.app.home.home import read_home_key
from unlost.app.orgs.drafts import open_draft, seal_draft
from unlost.app.restores.worker_slots import is_taken, seat_of
from unlost.catalog.looks import (
    StoredPreview,
    answer_preview,
    begin_preview,
    drop_previews,
    find_preview,
    store_preview,
)
from unlost.catalog.looks import drop_preview as forget
from unlost.model.access import Right
from unlost.model.decoders import decoder_for
from unlost.model.errors import NotFound, TransientError, UnlostError

INFO = b"unlost/home/looks/1"
KEY_BYTES = 32
SEATS = 4  # orgs that are looked at at a time in a home; who finds no seat waits for one
BEGINS_WITHIN = timedelta(seconds=10)  # a look that nobody began by then is begun again
KEPT = timedelta(hours=12)  # as long as a sign-in to the console lasts
MOST_TRIES = 3  # a look that ended the console's process that often is not begun again


class LookState(StrEnum):
    """Where a look is."""

    LOOKING = "looking"
    FOUND = "found"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class LookView:
    """A look as it stands. ``alone``: nobody looks, so ``run_preview`` has to be called (again).

    ``looked`` is there once it is found, ``error`` once it failed.
    """

    look: str
    state: LookState
    alone: bool = False
    looked: OrgPreview | None = None
    error: UnlostError | None = None


@action("org.ask-look", Right.MANAGE, where=Where.HOME)
def request_preview(app: Application, new: NewOrg) -> LookView:
    """Keep what shall be looked at; ``run_preview`` then looks, which may take minutes.

    The same that the same person asks for while it is under way is one look; one that is over is
    done anew.
    """
    now = app.clock.now()
    drop_previews(before=now - KEPT)
    plain = msgspec.to_builtins(new)
    look = _id(app, plain)
    store_preview(look, asked=seal_draft(app, plain, place=_place(app, look)), at=now)
    return _view(app, _stored_preview(app, look))


@action("org.do-look", Right.MANAGE, where=Where.HOME)
def run_preview(app: Application, look: str) -> LookView:
    """Look, unless somebody does, or it is done. What stands in the way is kept, not raised.

    Raises NotFound (``look-unknown``).
    """
    with seat_of(app, "looker", seats=SEATS) as seat:
        preview = _stored_preview(app, look)
        free = seat is not None and (preview.seat in ("", seat) or not is_taken(app, preview.seat))
        if seat is not None and free and begin_preview(look, seat=seat, tries=preview.tries):
            answer = seal_draft(app, _answer(app, preview), place=_place(app, look))
            answer_preview(look, answer=answer, tries=preview.tries + 1)
    return _view(app, _stored_preview(app, look))


@action("org.look-state", Right.MANAGE, where=Where.HOME)
def preview_state(app: Application, look: str) -> LookView:
    """How a look stands; raises NotFound (``look-unknown``), also for one of somebody else."""
    return _view(app, _stored_preview(app, look))


@action("org.drop-look", Right.MANAGE, where=Where.HOME)
def discard_preview(app: Application, look: str) -> None:
    """Forget a look and what it found; raises NotFound (``look-unknown``)."""
    forget(_stored_preview(app, look).id)


def _answer(app: Application, preview: StoredPreview) -> Mapping[str, Any]:
    """What is found, or why nothing is."""
    try:
        if preview.tries >= MOST_TRIES:
            raise _broke_off()
        draft = open_draft(app, preview.asked, place=_place(app, preview.id))
        return {"looked": msgspec.to_builtins(look_at(app, decoder_for(NewOrg).convert(draft)))}
    except UnlostError as error:
        return _typed_settings(error)
    except Exception as error:  # noqa: BLE001 (nobody waits for this thread: the page tells it)
        name = type(error).__name__
        return _typed_settings(UnlostError(name, f"The org could not be looked at: {name}."))


def _typed_settings(error: UnlostError) -> Mapping[str, Any]:
    return {"code": error.code, "sentence": error.sentence, "next_step": error.next_step}


def _view(app: Application, kept: StoredPreview) -> LookView:
    if not kept.answer:
        return LookView(kept.id, LookState.LOOKING, alone=_is_alone(app, kept))
    draft = open_draft(app, kept.answer, place=_place(app, kept.id))
    if "looked" in draft:
        return LookView(
            kept.id, LookState.FOUND, looked=decoder_for(OrgPreview).convert(draft["looked"])
        )
    error = UnlostError(draft["code"], draft["sentence"], next_step=draft["next_step"])
    return LookView(kept.id, LookState.FAILED, error=error)


def _is_alone(app: Application, preview: StoredPreview) -> bool:
    if not preview.seat:
        return app.clock.now() - preview.asked_at >= BEGINS_WITHIN
    return not is_taken(app, preview.seat)


def _stored_preview(app: Application, look: str) -> StoredPreview:
    preview = find_preview(look)
    if preview is None or not open_draft(app, preview.asked, place=_place(app, look)):
        raise NotFound(
            "look-unknown",
            "What was seen of the org is not kept any more.",
            next_step="Sign in to the org and look again.",
        )
    return preview


def _broke_off() -> TransientError:
    return TransientError(
        "look-broke-off",
        f"The console was stopped {MOST_TRIES} times in the middle of looking at the org.",
        next_step="Look into the log of the service: its machine may lack memory.",
    )


def _id(app: Application, settings: Mapping[str, Any]) -> str:
    """The same for the same question of the same person, and nothing that tells of its secrets."""
    derived = HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=INFO)
    question = msgspec.json.encode([app.actor.name, settings], order="deterministic")
    return blake3(question, key=derived.derive(read_home_key(app.home))).hexdigest()


def _place(app: Application, look: str) -> str:
    return f"{app.actor.name}/look/{look}"

"""Previews of orgs that take longer than a web request: stored, executed in a thread, polled.

    request_preview ─> RUNNING ─run_preview─> READY | FAILED ─> add the org, or discard_preview

The request contains secrets and the result may contain renewed ones, so both are stored encrypted,
bound to the person who asked.
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
from unlost.app.actions.orgs.orgs import NewOrg, OrgPreview, preview_org
from unlost.app.compose import Application
from unlost.app.home.home import read_home_key
from unlost.app.orgs.drafts import open_draft, seal_draft
from unlost.app.restores.worker_slots import is_taken, take_slot
from unlost.catalog.runs.previews import (
    StoredPreview,
    answer_preview,
    begin_preview,
    drop_previews,
    find_preview,
    store_preview,
)
from unlost.catalog.runs.previews import drop_preview as forget
from unlost.model.access import Right
from unlost.model.decoders import decoder_for
from unlost.model.errors import NotFound, TransientError, UnlostError
from unlost.model.message import Message, message

INFO = b"unlost/home/looks/1"
KEY_BYTES = 32
SLOTS = 4  # previews that run at the same time in a home; others wait
# A preview that no process has started by then is started again.
BEGINS_WITHIN = timedelta(seconds=10)
LIFETIME = timedelta(hours=12)  # as long as a sign-in to the console lasts
MOST_TRIES = 3  # a preview whose process died that often fails


class PreviewState(StrEnum):
    """The state of a preview."""

    RUNNING = "looking"
    READY = "found"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class PreviewView:
    """A preview as it stands.

    ``alone``: no process executes it, so ``run_preview`` must be called (again). ``result`` is
    set once it succeeded, ``error`` once it failed.
    """

    preview_id: str
    state: PreviewState
    alone: bool = False
    result: OrgPreview | None = None
    error: UnlostError | None = None


@action("org.ask-look", Right.MANAGE, where=Where.HOME)
def request_preview(app: Application, new: NewOrg) -> PreviewView:
    """Store a request for a preview, which ``run_preview`` then executes; that may take minutes.

    The same request of the same person is one preview while it is active, and a new one afterwards.
    """
    now = app.clock.now()
    drop_previews(before=now - LIFETIME)
    plain = msgspec.to_builtins(new)
    preview_id = _id(app, plain)
    store_preview(preview_id, asked=seal_draft(app, plain, place=_place(app, preview_id)), at=now)
    return _view(app, _stored_preview(app, preview_id))


@action("org.do-look", Right.MANAGE, where=Where.HOME)
def run_preview(app: Application, preview_id: str) -> PreviewView:
    """Execute a preview, unless another process does or it is finished.

    An error of the org is stored as the result, not raised. Raises NotFound (``look-unknown``).
    """
    # The slot's lock shows that this process is alive; if it dies, the preview is started again.
    with take_slot(app, "looker", slots=SLOTS) as slot:
        preview = _stored_preview(app, preview_id)
        free = slot is not None and (preview.slot in ("", slot) or not is_taken(app, preview.slot))
        if slot is not None and free and begin_preview(preview_id, slot=slot, tries=preview.tries):
            answer = seal_draft(app, _answer(app, preview), place=_place(app, preview_id))
            answer_preview(preview_id, answer=answer, tries=preview.tries + 1)
    return _view(app, _stored_preview(app, preview_id))


@action("org.look-state", Right.MANAGE, where=Where.HOME)
def preview_state(app: Application, preview_id: str) -> PreviewView:
    """Show the state of a preview; raises NotFound (``look-unknown``), also for another user's."""
    return _view(app, _stored_preview(app, preview_id))


@action("org.drop-look", Right.MANAGE, where=Where.HOME)
def discard_preview(app: Application, preview_id: str) -> None:
    """Delete a preview and its result; raises NotFound (``look-unknown``)."""
    forget(_stored_preview(app, preview_id).id)


def _answer(app: Application, preview: StoredPreview) -> Mapping[str, Any]:
    """Preview the org; returns the result, or the error as plain values."""
    try:
        if preview.tries >= MOST_TRIES:
            raise _broke_off()
        draft = open_draft(app, preview.settings, place=_place(app, preview.id))
        return {"looked": msgspec.to_builtins(preview_org(app, decoder_for(NewOrg).convert(draft)))}
    except UnlostError as error:
        return {"error": msgspec.to_builtins(error.message)}
    except Exception as error:  # noqa: BLE001 (no caller waits: the page shows the error)
        name = type(error).__name__
        fault = message(name, "The org could not be previewed: {error}.", error=name)
        return {"error": msgspec.to_builtins(fault)}


def _view(app: Application, preview: StoredPreview) -> PreviewView:
    if not preview.answer:
        return PreviewView(preview.id, PreviewState.RUNNING, alone=_is_alone(app, preview))
    draft = open_draft(app, preview.answer, place=_place(app, preview.id))
    if "looked" in draft:
        return PreviewView(
            preview.id, PreviewState.READY, result=decoder_for(OrgPreview).convert(draft["looked"])
        )
    error = UnlostError.of(decoder_for(Message).convert(draft["error"]))
    return PreviewView(preview.id, PreviewState.FAILED, error=error)


def _is_alone(app: Application, preview: StoredPreview) -> bool:
    if not preview.slot:
        return app.clock.now() - preview.asked_at >= BEGINS_WITHIN
    return not is_taken(app, preview.slot)


def _stored_preview(app: Application, preview_id: str) -> StoredPreview:
    preview = find_preview(preview_id)
    if preview is None or not open_draft(app, preview.settings, place=_place(app, preview_id)):
        raise NotFound(
            "look-unknown",
            "This preview is no longer available.",
            next_step="Sign in to the org again to create a new preview.",
        )
    return preview


def _broke_off() -> TransientError:
    return TransientError(
        "look-broke-off",
        "The console was stopped {tries} times while it previewed the org.",
        next_step="Check the log of the service: the machine may be low on memory.",
        tries=MOST_TRIES,
    )


def _id(app: Application, settings: Mapping[str, Any]) -> str:
    """Derive the id of a preview: equal for equal requests of a person, and revealing no secret."""
    # Keyed by the home's key: a plain hash would let a reader of the database guess passwords.
    derived = HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=INFO)
    question = msgspec.json.encode([app.actor.name, settings], order="deterministic")
    return blake3(question, key=derived.derive(read_home_key(app.home))).hexdigest()


def _place(app: Application, preview_id: str) -> str:
    return f"{app.actor.name}/look/{preview_id}"

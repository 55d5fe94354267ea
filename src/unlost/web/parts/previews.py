"""The preview of an org in the connect wizard: started by a page, run in a thread, then polled.

The draft stores the preview's id (``look``) and the settings that it tries (``tried``) until it is
over; ``seen`` is the id of the preview whose result was used.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec

from unlost.app.actions.orgs.orgs import NewOrg, PreviewTable
from unlost.app.actions.orgs.previews import (
    PreviewState,
    PreviewView,
    discard_preview,
    preview_state,
    request_preview,
    run_preview,
)
from unlost.app.compose import Application
from unlost.model.errors import NotFound, UnlostError
from unlost.model.source.checklist import ChecklistStep
from unlost.web.parts import background
from unlost.web.parts.drafts import draft, drop_draft, keep_draft
from unlost.web.requests import UserRequest

DRAFT = "connect"
OF_PREVIEW = ("look", "tried")


@dataclass(frozen=True, slots=True)
class PreviewProgress:
    """The wizard's draft with its results, and the preview; None if none is active."""

    known: Mapping[str, Any]
    view: PreviewView | None = None

    @property
    def going(self) -> bool:
        """True while the org is inspected."""
        return self.view is not None and self.view.state is PreviewState.RUNNING

    @property
    def error(self) -> UnlostError | None:
        """The error of the last preview, if it failed."""
        return self.view.error if self.view is not None else None

    @property
    def is_found(self) -> bool:
        """True if a preview succeeded, maybe an earlier one."""
        return "found" in self.known


def begin(request: UserRequest, known: Mapping[str, Any], *, config: Mapping[str, Any]) -> None:
    """Start a preview with these settings in a thread, and store its id in the draft."""
    new = NewOrg(known["connector"], known["name"], config, known.get("secrets", {}))
    view = request_preview(request.unlost, new)
    for before in {known.get("look"), known.get("seen")} - {None, view.preview_id}:
        _forget(request, str(before))
    keep_draft(request, DRAFT, {**known, "look": view.preview_id, "tried": dict(config)})
    background.begin(partial(_run_preview, request.unlost, view.preview_id))


def progress(request: UserRequest) -> PreviewProgress:
    """Return the wizard's progress. A preview whose process died is started again."""
    known = draft(request, DRAFT)
    if "look" not in known:
        return PreviewProgress(known)
    try:
        view = preview_state(request.unlost, known["look"])
    except NotFound:
        return PreviewProgress(_stored_draft(request, _without_preview(known)))
    if view.alone:
        background.begin(partial(_run_preview, request.unlost, view.preview_id))
    if view.result is None:
        return PreviewProgress(known, view)
    taken = {
        "config": known["tried"],
        "secrets": dict(view.result.secrets),
        "found": msgspec.to_builtins(view.result.org),
        "seen": view.preview_id,  # it lies until the next: another page may be taking it up now
    }
    return PreviewProgress(_stored_draft(request, {**_without_preview(known), **taken}))


@dataclass(frozen=True, slots=True)
class SeenOrg:
    """The parts of a previewed org that the wizard shows, besides the draft."""

    checklist: tuple[ChecklistStep, ...] = ()
    tables: tuple[PreviewTable, ...] = ()


def seen_org(request: UserRequest, known: Mapping[str, Any]) -> SeenOrg:
    """Return the checklist and the tables of the preview whose result was used.

    Both are empty if the preview was dropped meanwhile: its sign-in lasts, but no longer its list.
    """
    if "seen" not in known:
        return SeenOrg()
    try:
        view = preview_state(request.unlost, known["seen"])
    except NotFound:
        return SeenOrg()
    return SeenOrg(view.result.checklist, view.result.tables) if view.result else SeenOrg()


def end(request: UserRequest) -> None:
    """Delete the draft and the preview's result."""
    known = draft(request, DRAFT)
    for preview_id in {known.get("look"), known.get("seen")} - {None}:
        _forget(request, str(preview_id))
    drop_draft(request, DRAFT)


def unseen(known: Mapping[str, Any]) -> dict[str, Any]:
    """Return the draft without the preview's result, as its settings have changed."""
    return {name: value for name, value in _without_preview(known).items() if name != "found"}


def _run_preview(app: Application, preview_id: str) -> None:
    with suppress(NotFound):  # dropped meanwhile, in favour of another preview
        run_preview(app, preview_id)


def _stored_draft(request: UserRequest, known: Mapping[str, Any]) -> Mapping[str, Any]:
    keep_draft(request, DRAFT, known)
    return known


def _without_preview(known: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in known.items() if name not in OF_PREVIEW}


def _forget(request: UserRequest, preview_id: str) -> None:
    with suppress(NotFound):
        discard_preview(request.unlost, preview_id)

"""The look of the wizard that connects an org: begun by a page, done beside, taken up by the next page.

The draft names it (``look``) until it is over, with the settings that it tries (``tried``); ``seen`` names
the one whose findings were taken up.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec

from unlost.app.actions.orgs.orgs import NewOrg
from unlost.app.actions.orgs.previews import (
    LookState,
    LookView,
    discard_preview,
    preview_state,
    request_preview,
    run_preview,
)
from unlost.app.compose import Application
from unlost.model.errors import NotFound, UnlostError
from unlost.web.parts import background
from unlost.web.parts.drafts import draft, drop_draft, keep_draft
from unlost.web.requests import UserRequest

DRAFT = "connect"
OF_LOOK = ("look", "tried")


@dataclass(frozen=True, slots=True)
class PreviewProgress:
    """The wizard's draft, with what was found, and how its look stands: None where none is under way."""

    known: Mapping[str, Any]
    view: LookView | None = None

    @property
    def going(self) -> bool:
        """True while the org is looked at."""
        return self.view is not None and self.view.state is LookState.LOOKING

    @property
    def error(self) -> UnlostError | None:
        """Why the last look found nothing."""
        return self.view.error if self.view is not None else None

    @property
    def found(self) -> bool:
        """True if a look found something, maybe one before the last."""
        return "found" in self.known


def begin(request: UserRequest, known: Mapping[str, Any], *, config: Mapping[str, Any]) -> None:
    """Begin to look with these settings beside the request, and note in the draft that it is done."""
    new = NewOrg(known["connector"], known["name"], config, known.get("secrets", {}))
    view = request_preview(request.unlost, new)
    for before in {known.get("look"), known.get("seen")} - {None, view.look}:
        _forget(request, str(before))
    keep_draft(request, DRAFT, {**known, "look": view.look, "tried": dict(config)})
    background.begin(partial(_run_preview, request.unlost, view.look))


def progress(request: UserRequest) -> PreviewProgress:
    """How far the wizard is. A look that nobody does any more is begun again by that."""
    known = draft(request, DRAFT)
    if "look" not in known:
        return PreviewProgress(known)
    try:
        view = preview_state(request.unlost, known["look"])
    except NotFound:
        return PreviewProgress(_stored_draft(request, _without_preview(known)))
    if view.alone:
        background.begin(partial(_run_preview, request.unlost, view.look))
    if view.looked is None:
        return PreviewProgress(known, view)
    taken = {
        "config": known["tried"],
        "secrets": dict(view.looked.secrets),
        "found": msgspec.to_builtins(view.looked.found),
        "seen": view.look,  # it lies until the next: another page may be taking it up now
    }
    return PreviewProgress(_stored_draft(request, {**_without_preview(known), **taken}))


def end(request: UserRequest) -> None:
    """Forget the draft, and what was found."""
    known = draft(request, DRAFT)
    for look in {known.get("look"), known.get("seen")} - {None}:
        _forget(request, str(look))
    drop_draft(request, DRAFT)


def unseen(known: Mapping[str, Any]) -> dict[str, Any]:
    """The draft without what a look found: what it was found with is typed anew."""
    return {name: value for name, value in _without_preview(known).items() if name != "found"}


def _run_preview(app: Application, look: str) -> None:
    with suppress(NotFound):  # it was dropped meanwhile: something else is looked at
        run_preview(app, look)


def _stored_draft(request: UserRequest, known: Mapping[str, Any]) -> Mapping[str, Any]:
    keep_draft(request, DRAFT, known)
    return known


def _without_preview(known: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in known.items() if name not in OF_LOOK}


def _forget(request: UserRequest, look: str) -> None:
    with suppress(NotFound):
        discard_preview(request.unlost, look)

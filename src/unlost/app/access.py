"""Access control and audit for actions, the same for console, API and command line.

Every function that people can call is marked with ``action``. The mark checks the actor's right,
runs the function, and writes the outcome to the audit log: every change, and every read of records.
An org that the actor may not see is reported as unknown.

    console ─┐                              change: intent ─> function ─> outcome
    API     ─┼─> action mark: check the right ─┤
    CLI     ─┘         │                    read:              function ─> outcome ─> the data
                       └─ ``RemoteAccess``: send the call to a server instead

An action that cannot be recorded is not done: a change does not start without its intent, and a
read returns nothing without its entry.

An action that another action calls is part of the outer one: it is neither checked nor audited
again, except inside ``audited_apart``. See docs/adr/0015.
"""

import inspect
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, Protocol, cast, runtime_checkable

import unlost.app.home.database  # noqa: F401 (sets up Django, which what follows needs)
from unlost.catalog.orgs.orgs import find_org
from unlost.catalog.people.audit import BEGUN, AuditEvent, note
from unlost.model.access import ActorKind, Right, Trace
from unlost.model.errors import NotAllowed, NotFound, UnlostError
from unlost.model.source.reading import Json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from unlost.app.compose import Application

DONE = "done"
LONGEST_ORG, LONGEST_ACTOR = 80, 150  # characters
LONGEST_SUBJECT = 500  # characters; the plan lists a selection of thousands
_inside: ContextVar[bool] = ContextVar("inside", default=False)


class Where(StrEnum):
    """The scope of an action, which decides where its right is checked."""

    ORG = "org"  # the org in the parameter ``org``; with None, all that the actor may see
    RUN = "run"  # the org of the run in the parameter ``run``
    HOME = "home"  # the whole home
    ITSELF = "itself"  # the action checks the right itself, once it knows the org


@dataclass(frozen=True, slots=True)
class UserAction:
    """An action as registered; ``audit_detail`` returns the details that the audit adds to the subject.

    ``writes_files``: data of records is on the disk before the action returns.
    """

    name: str
    right: Right
    trace: Trace
    where: Where
    call: Callable[..., Any]
    subject: tuple[str, ...]
    audit_detail: Callable[[Any], Mapping[str, Json]] | None
    writes_files: bool = False

    @property
    def has_intent(self) -> bool:
        """True if it is recorded before it starts, because its effects cannot be held back."""
        return self.trace is Trace.WRITE or self.writes_files


ACTIONS: dict[str, UserAction] = {}


@runtime_checkable
class RemoteAccess(Protocol):
    """A stand-in for an application on another machine, which checks rights and audits there."""

    def act_elsewhere(self, action: UserAction, given: Mapping[str, Any]) -> Any:
        """Run an action on the other machine and return its result."""
        ...


@dataclass(frozen=True, slots=True)
class ActionMarker:
    """Turns a function into an action; ``subject`` lists the parameters that name its target."""

    name: str
    right: Right
    trace: Trace
    where: Where
    subject: tuple[str, ...]
    audit_detail: Callable[[Any], Mapping[str, Json]] | None
    writes_files: bool

    def __call__[**P, R](
        self, call: Callable[Concatenate["Application", P], R]
    ) -> Callable[Concatenate["Application", P], R]:
        """Register the function and return it with access control and audit around it."""
        user_action = UserAction(
            self.name,
            self.right,
            self.trace,
            self.where,
            call,
            self.subject,
            self.audit_detail,
            self.writes_files,
        )
        signature = inspect.signature(call)
        assert self.name not in ACTIONS, self.name
        ACTIONS[self.name] = user_action

        @wraps(call)
        def let_in(app: "Application", /, *args: P.args, **kwargs: P.kwargs) -> R:
            # An action that calls another action needs no second right, and the audit names what
            # the person did.
            if _inside.get():
                return call(app, *args, **kwargs)
            given = signature.bind(app, *args, **kwargs).arguments
            # The server checks and audits; this process has no home to do so.
            if isinstance(app, RemoteAccess):
                return cast("R", app.act_elsewhere(user_action, given))
            with _recorded(app, user_action, given) as record:
                _check(app, user_action, given)
                record.begin()
                value = record.result = call(app, *args, **kwargs)
            return value

        return let_in


def action(
    name: str,
    right: Right,
    *,
    trace: Trace = Trace.NONE,
    where: Where = Where.ORG,
    subject: tuple[str, ...] = (),
    detail: Callable[[Any], Mapping[str, Json]] | None = None,
    writes_files: bool = False,
) -> ActionMarker:
    """Mark a function as an action that people can call."""
    return ActionMarker(name, right, trace, where, subject, detail, writes_files)


@contextmanager
def audited_apart() -> "Iterator[None]":
    """Check and audit the actions that are called inside one by one, also within another action."""
    before = _inside.set(False)
    try:
        yield
    finally:
        _inside.reset(before)


def may(app: "Application", right: Right, org: str | None = None) -> bool:
    """Return True if the actor has a right in the org of this name; None is the whole home."""
    known = find_org(org) if org is not None else None
    if org is not None and known is None:
        return False
    return app.actor.may(right, known.oid if known is not None else None)


def rights_in(app: "Application", org: str) -> Mapping[str, bool]:
    """Return which rights the actor has in the org of this name, for pages."""
    known = find_org(org)
    oid = known.oid if known is not None else ""
    return {right.value: app.actor.may(right, oid) for right in Right}


def check_org(app: "Application", right: Right, org: str) -> None:
    """Raise NotFound (``org-unknown``) for an org that the actor may not look at.

    Raises NotAllowed (``not-permitted``) if the actor lacks the right in it.
    """
    known = find_org(org)
    # The same error in both cases, so that names of orgs cannot be probed.
    if known is None or not app.actor.may(Right.LOOK, known.oid):
        raise org_unknown(app, org)
    if not app.actor.may(right, known.oid):
        raise _not_permitted(right)


def check_home(app: "Application", right: Right) -> None:
    """Raise NotAllowed (``not-permitted``) unless the actor has the right in the whole home."""
    if not app.actor.may(right):
        raise _not_permitted(right)


def check_somewhere(app: "Application", right: Right) -> None:
    """Raise NotAllowed (``not-permitted``) unless the actor has the right in at least one org."""
    if not app.actor.may_somewhere(right):
        raise _not_permitted(right)


def check_no_token(app: "Application") -> None:
    """Raise NotAllowed (``token-people``) for a token.

    A token expires; access that it grants to others would not.
    """
    if app.actor.kind is ActorKind.TOKEN:
        raise NotAllowed(
            "token-people",
            "A token cannot manage access for people.",
            next_step="Sign in to the console and do it there, or run the command on the "
            "home's machine.",
        )


def org_unknown(app: "Application", org: str) -> NotFound:
    """Return the error for an org that is missing or hidden from the actor.

    Its next step lists the orgs that the actor may see.
    """
    known = ", ".join(org_row.name for org_row in app.orgs())
    return NotFound(
        "org-unknown",
        "There is no org named {org!r} in this home.",
        next_step="Use one of: {known}." if known else "Add one with `unlost org add`.",
        org=org,
        known=known,
    )


def run_unknown(run: str) -> NotFound:
    """Return the error for a run that is missing or hidden from the actor."""
    return NotFound(
        "run-unknown",
        "There is no run named {run!r}.",
        next_step="List the runs with `unlost runs`.",
        run=run,
    )


@dataclass(slots=True)
class _AuditRecord:
    """The audit entries of one action: its intent, if it has one, and its outcome."""

    app: "Application"
    user_action: UserAction
    given: Mapping[str, Any]
    result: Any = None
    intent: int | None = None

    def begin(self) -> None:
        """Record the intent, if there must be one. The action must not start if this fails."""
        if self.user_action.has_intent:
            self.intent = self._write(BEGUN)

    def end(self, outcome: str) -> None:
        """Record the outcome: ``done``, or the code of an error."""
        refused = outcome in ("not-permitted", "org-unknown")
        # A refusal is audited even for actions that leave no trace otherwise.
        if refused or self.user_action.trace is not Trace.NONE:
            self._write(outcome, detail=self._detail() if outcome == DONE else {})

    def _detail(self) -> Mapping[str, Json]:
        audit_detail = self.user_action.audit_detail
        return audit_detail(self.result) if audit_detail is not None else {}

    def _write(self, outcome: str, *, detail: Mapping[str, Json] | None = None) -> int | None:
        # Scheduled work is recorded as runs. The audit is about people and tokens.
        if self.app.actor.kind is ActorKind.SERVICE:
            return None
        arguments = self.given
        subject = "/".join(
            str(arguments[name])
            for name in self.user_action.subject
            if arguments.get(name) is not None
        )
        event = AuditEvent(
            self.app.clock.now(),
            self.app.actor.kind,
            _plain(self.app.actor.name, LONGEST_ACTOR),
            self.user_action.name,
            self.user_action.trace,
            _plain(arguments.get("org") or "", LONGEST_ORG),
            _plain(subject, LONGEST_SUBJECT),
            outcome,
            dict(detail or {}),
            self.intent,
        )
        return note(event).number


@contextmanager
def _recorded(
    app: "Application", user_action: UserAction, given: Mapping[str, Any]
) -> "Iterator[_AuditRecord]":
    """Record the outcome of an action in the audit. If that fails, so does the action."""
    record = _AuditRecord(app, user_action, given)
    before = _inside.set(True)
    try:
        yield record
    except UnlostError as error:
        record.end(error.code)
        raise
    except BaseException as error:
        record.end(type(error).__name__)
        raise
    finally:
        _inside.reset(before)
    record.end(DONE)


# PostgreSQL refuses NUL in texts.
def _plain(value: object, longest: int) -> str:
    """Return a value as text that every database accepts (no NUL, limited length)."""
    return str(value).replace("\x00", "")[:longest]


def _check(app: "Application", user_action: UserAction, given: Mapping[str, Any]) -> None:
    if user_action.where is Where.HOME:
        check_home(app, user_action.right)
    elif user_action.where is Where.ORG and given.get("org") is not None:
        check_org(app, user_action.right, given["org"])
    elif user_action.where is Where.RUN and given.get("run") is not None:
        _check_run(app, user_action.right, given["run"])
    else:
        check_somewhere(app, user_action.right)


def _check_run(app: "Application", right: Right, run: str) -> None:
    org = app.org_of_run(run)
    if org is None or not app.actor.may(Right.LOOK, org):
        raise run_unknown(run)
    if not app.actor.may(right, org):
        raise _not_permitted(right)


def _not_permitted(right: Right) -> NotAllowed:
    return NotAllowed(
        "not-permitted",
        "Your role does not allow this. It needs the right to {right}.",
        next_step="Ask an Unlost admin for a role that has this right.",
        right=WORDS[right],
    )


WORDS = {
    Right.LOOK: "see the state of backups",
    Right.READ: "read records",
    Right.READ_HIDDEN: "read hidden columns",
    Right.OPERATE: "run backups",
    Right.RESTORE: "restore records",
    Right.MANAGE: "manage orgs and people",
    Right.AUDIT: "read the audit log",
}

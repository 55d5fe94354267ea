"""Commits that this home did not make: list, confirm or reject what they remove."""

from dataclasses import dataclass
from datetime import datetime
from functools import partial

from unlost.app.access import Where, action
from unlost.app.compose import Application
from unlost.app.vault.blocked import BlockedOrg, blocked_org
from unlost.app.vault.home_copy import after_run
from unlost.catalog.orgs.orgs import ProtectedOrg, get_org
from unlost.model.access import Right, Trace
from unlost.model.errors import IntegrityError
from unlost.model.runs.exclusion import RunKind
from unlost.model.source.reading import Json
from unlost.model.vault.pending import PendingRemoval
from unlost.model.vault.snapshot import CommitKind


@dataclass(frozen=True, slots=True)
class WaitingCommit:
    """A commit of an org that this home did not make.

    ``objects`` of ``bytes`` would be removed because of it, at ``due`` at the earliest; never, if
    it is ``rejected``. ``hidden``: backups that it forgets.
    """

    org: str
    zone: str
    commit: int
    kind: CommitKind
    run: str
    objects: int
    bytes: int
    hidden: tuple[int, ...]
    first_seen: datetime
    due: datetime
    rejected: bool


@dataclass(frozen=True, slots=True)
class PendingList:
    """The commits that wait for a decision, and rejected ones that something remains of, by org.

    ``blocked``: orgs that are blocked by a commit that does not fit. ``unreadable``: orgs of which
    a commit is damaged, so that others cannot be listed.
    """

    commits: tuple[WaitingCommit, ...]
    blocked: tuple[BlockedOrg, ...] = ()
    unreadable: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ConfirmedCommits:
    """The commits that were confirmed: the next maintenance removes what they take away."""

    commits: tuple[WaitingCommit, ...]


@dataclass(frozen=True, slots=True)
class RejectedCommit:
    """The result of a rejection: what it put back, and what it could not.

    ``snapshot``: the commit of the repair; the backup after it reads everything in full. ``tables``
    have their data again. ``hidden``: backups that stay forgotten. ``remaining``: objects that stay
    in the vault, though no commit needs them. ``removed``: objects that blocked the org and were
    removed; copies of them are in the folder ``kept_in``.
    """

    org: str
    commit: int
    snapshot: int
    tables: tuple[str, ...]
    packs: int
    documents: int
    journals: tuple[str, ...]
    hidden: tuple[int, ...]
    remaining: int
    removed: tuple[str, ...] = ()
    kept_in: str = ""


def _confirmed(done: ConfirmedCommits) -> dict[str, Json]:
    return {"commits": [f"{commit.org} {commit.commit}" for commit in done.commits]}


def _rejected(done: RejectedCommit) -> dict[str, Json]:
    return {"snapshot": done.snapshot, "remaining": done.remaining}


@action("vault.pending", Right.OPERATE, where=Where.ORG)
def pending(app: Application, org: str | None = None) -> PendingList:
    """List commits that this home did not make, of one org or of all.

    Nothing is removed because of one before it is confirmed, or 30 days have passed since this
    home first saw it. Raises StoreError, and IntegrityError for a single org that is damaged.
    """
    if org is not None:
        return _pending(app, get_org(org))
    lists = []
    for each in _orgs(app, None, Right.OPERATE):
        try:
            lists.append(_pending(app, each))
        except IntegrityError:  # a damaged org must not hide the others
            lists.append(PendingList((), unreadable=(each.name,)))
    return PendingList(
        tuple(commit for each in lists for commit in each.commits),
        tuple(blocked for each in lists for blocked in each.blocked),
        tuple(name for each in lists for name in each.unreadable),
    )


def _pending(app: Application, org: ProtectedOrg) -> PendingList:
    blocked = blocked_org(app, org)
    return PendingList((), (blocked,)) if blocked is not None else PendingList((*_of(app, org),))


@action(
    "vault.confirm",
    Right.MANAGE,
    trace=Trace.WRITE,
    where=Where.ORG,
    subject=("org", "commit"),
    detail=_confirmed,
)
def confirm(
    app: Application, org: str | None = None, commit: int | None = None
) -> ConfirmedCommits:
    """Confirm commits, as if this home had made them: the next maintenance removes.

    Without ``commit`` all that wait in the org; without both in all orgs. Raises NotFound
    (``removal-unknown``).
    """
    orgs = _orgs(app, org, Right.MANAGE) if commit is None else [get_org(org or "")]
    done = []
    for each in orgs:
        listed = {waiting.commit: waiting for waiting in _of(app, each)}
        numbers = [number for number, waiting in listed.items() if not waiting.rejected]
        for number in numbers if commit is None else [commit]:
            app.whole_vault.removals(each.oid).confirm(number)
            done.append(listed[number])
    after_run(app)
    return ConfirmedCommits(tuple(done))


@action(
    "vault.reject",
    Right.MANAGE,
    trace=Trace.WRITE,
    subject=("org", "commit"),
    detail=_rejected,
)
def reject(app: Application, org: str, commit: int) -> RejectedCommit:
    """Reject a commit: nothing is removed because of it, and what can be put back is put back.

    A commit that blocks the org is removed. Safe to repeat. Raises NotFound (``removal-unknown``),
    Conflict (``removal-order``, ``run-in-progress``, ``maintenance-outrun``), IntegrityError, StoreError.
    """
    known = get_org(org)
    run = f"put-back-{app.clock.now():%Y%m%d-%H%M%S}"
    with app.lease.hold(known.oid, kind=RunKind.REJECT, run=run):
        blocked = blocked_org(app, known)
        if blocked is not None and blocked.commit == commit:
            return _unblocked(app, known, blocked)
        done = app.whole_vault.removals(known.oid).reject(commit, pause=app.cancel_flag.check)
    after_run(app)
    return RejectedCommit(
        known.name,
        done.number,
        done.snapshot,
        done.tables,
        done.packs,
        done.documents,
        done.journals,
        done.hidden,
        done.remaining,
    )


def _unblocked(app: Application, org: ProtectedOrg, blocked: BlockedOrg) -> RejectedCommit:
    """Remove what blocks an org, and keep copies of it in the home."""
    folder = app.home.root / "removed"

    def keep(name: str, data: bytes) -> None:
        file = folder / name
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file.write_bytes(data)

    removed = app.whole_vault.removals(org.oid).unblock(keep=keep)
    return RejectedCommit(
        org=org.name,
        commit=blocked.commit,
        snapshot=blocked.commit - 1,
        tables=(),
        packs=0,
        documents=0,
        journals=(),
        hidden=(),
        remaining=0,
        removed=removed,
        kept_in=str(folder),
    )


def _orgs(app: Application, org: str | None, right: Right) -> list[ProtectedOrg]:
    if org is not None:
        return [get_org(org)]
    return [each for each in app.orgs() if app.actor.may(right, each.oid)]


def _of(app: Application, org: ProtectedOrg) -> list[WaitingCommit]:
    removals = app.whole_vault.removals(org.oid).pending()
    return list(map(partial(_waiting, org), removals))


def _waiting(org: ProtectedOrg, removal: PendingRemoval) -> WaitingCommit:
    return WaitingCommit(
        org=org.name,
        zone=org.identity.zone,
        commit=removal.number,
        kind=removal.kind,
        run=removal.run,
        objects=removal.objects,
        bytes=removal.bytes,
        hidden=removal.hidden,
        first_seen=removal.first_seen,
        due=removal.due,
        rejected=removal.rejected,
    )

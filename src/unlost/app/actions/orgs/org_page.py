"""The page of one org: its state, backups, the newest certificate, and API calls."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from unlost.app.access import Where, action
from unlost.app.actions.alerts.overview import OrgState, states_of
from unlost.app.compose import Application
from unlost.app.records.archived.open_archives import without_archived
from unlost.catalog.alerts import list_alerts
from unlost.catalog.gaps import acceptances
from unlost.catalog.orgs.budget import calls_of_the_day
from unlost.catalog.orgs.hidden_columns import hidden_in
from unlost.catalog.orgs.orgs import ProtectedOrg, get_org
from unlost.model.access import Right
from unlost.model.finding import Finding, Severity
from unlost.model.gaps import AcceptedGap, gaps_of, open_gaps
from unlost.model.source.hidden_columns import NOTHING_HIDDEN, HiddenColumns
from unlost.model.source.reading import Json
from unlost.model.vault.certificate import Certificate, TableLine
from unlost.model.vault.snapshot import CommitKind, SnapshotInfo, nights
from unlost.model.written import written

NIGHTS = 30
ENDED = 5  # ended acceptances of gaps
OTHERS = 100  # commits between the backups


@dataclass(frozen=True, slots=True)
class ApiCallUse:
    """API calls of the last day as reported by the org; None if it did not report lately.

    ``share`` is the percentage of the limit that Unlost may use.
    """

    used: int | None
    limit: int | None
    share: int


@dataclass(frozen=True, slots=True)
class OtherCommit:
    """A commit that is no nightly backup in a list. ``forgotten``: a backup that was forgotten."""

    number: int
    kind: CommitKind
    run: str
    finished: datetime
    hourly: bool
    forgotten: bool


@written(snapshot_count="kept")
@dataclass(frozen=True, slots=True)
class OrgPage:
    """One org. ``nights`` are the newest backups, newest first, out of ``snapshot_count`` in total.

    ``proof`` is the certificate of the newest one, ``findings`` its open gaps. ``accepted`` are the
    gaps that people accepted, ``ended`` the newest ones whose acceptance ended. ``writer``: it has
    a write user. ``hidden`` counts the columns hidden from viewers and operators. ``others`` are the
    newest commits that took the numbers between those of ``nights``, newest first.
    """

    state: OrgState
    tenant: str
    added_at: datetime
    retired: bool
    nights: tuple[SnapshotInfo, ...]
    snapshot_count: int
    proof: Certificate | None
    findings: tuple[Finding, ...]
    calls: ApiCallUse
    writer: bool
    hidden: int
    rights: frozenset[Right]
    accepted: tuple[AcceptedGap, ...] = ()
    ended: tuple[AcceptedGap, ...] = ()
    others: tuple[OtherCommit, ...] = ()

    @property
    def tables(self) -> tuple[TableLine, ...]:
        """The tables of the newest backup: differing and incomplete ones first, then by size."""
        return ranked(self.proof) if self.proof is not None else ()


@dataclass(frozen=True, slots=True)
class OrgSettings:
    """The connection settings of an org. ``secrets`` are the names of stored secrets, no values."""

    org: str
    connector: str
    config: Mapping[str, Json]
    secrets: frozenset[str]


@action("org.show", Right.LOOK)
def org_page(app: Application, org: str) -> OrgPage:
    """Show one org; raises NotFound for an unknown org."""
    known = get_org(org)
    (state,) = states_of(app, [known], list_alerts())
    whole = nights(app.vault.snapshots(known.oid))
    proof = _proof(app, known, whole)
    decided = acceptances(known.oid)
    used, limit = calls_of_the_day(known.oid, now=app.clock.now())
    return OrgPage(
        state=state,
        tenant=known.identity.tenant,
        added_at=known.added_at,
        retired=known.retired,
        nights=((state.last,) if state.last is not None else ())
        + tuple(whole[-2::-1][: NIGHTS - 1]),
        snapshot_count=len(whole),
        proof=proof,
        findings=open_gaps(gaps_of(proof), decided.lasting) if proof is not None else (),
        accepted=decided.lasting,
        ended=decided.ended[:ENDED],
        others=tuple(_others(app, known, whole[-NIGHTS:]))[:OTHERS],
        calls=ApiCallUse(used, limit, state.schedule.calls),
        writer=state.writer,
        hidden=len(_hidden(app, known.oid).names),
        rights=frozenset(right for right in Right if app.actor.may(right, known.oid)),
    )


def _others(
    app: Application, org: ProtectedOrg, listed: Sequence[SnapshotInfo]
) -> Iterator[OtherCommit]:
    """Yield the commits after the first of these backups that are none of them, newest first."""
    shown = {info.number for info in app.vault.snapshots(org.oid)}
    numbers = {info.number for info in listed}
    for info in reversed(app.vault.commits(org.oid)) if listed else ():
        if info.number > listed[0].number and info.number not in numbers:
            forgotten = info.kind is CommitKind.BACKUP and info.number not in shown
            yield OtherCommit(
                info.number, info.kind, info.run, info.finished, info.partial, forgotten
            )


def _hidden(app: Application, oid: str) -> HiddenColumns:
    """Return the columns of an org that are hidden from viewers and operators."""
    if app.actor.may(Right.READ_HIDDEN, oid):
        return hidden_in(oid)
    return app.hidden.get(oid, NOTHING_HIDDEN)


@action("org.settings", Right.MANAGE, where=Where.HOME)
def org_settings(app: Application, org: str) -> OrgSettings:
    """Show the connection settings of an org; raises NotFound for an unknown org."""
    known = get_org(org)
    store = app.secrets(known.oid)
    names = [secret.name for secret in app.connector(known.identity.connector).secrets(None)]
    return OrgSettings(
        known.name,
        known.identity.connector,
        known.config,
        frozenset(name for name in names if store.get(name) is not None),
    )


def ranked(proof: Certificate) -> tuple[TableLine, ...]:
    """Return the tables of a certificate: differing ones first, then those with gaps, by size."""
    return tuple(sorted(proof.tables, key=_rank))


def is_whole(line: TableLine) -> bool:
    """Return True if the numbers of a table agree and it has no gap."""
    return not line.differs and all(f.severity is not Severity.GAP for f in line.findings)


def _rank(line: TableLine) -> tuple[bool, bool, int, str]:
    return (not line.differs, is_whole(line), -line.stored, line.table)


def _proof(
    app: Application, org: ProtectedOrg, whole: Sequence[SnapshotInfo]
) -> Certificate | None:
    number = whole[-1].number if whole else 0
    proof = app.vault.at(org.oid, number).certificate() if whole else None
    return without_archived(app, org.oid, number, proof) if proof is not None else None

"""Erase records from the whole history of an org: plan, run, and list the proofs."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from unlost.app.access import action
from unlost.app.archive.periods import store_periods_before_erasing
from unlost.app.compose import Application
from unlost.app.records.other_orgs import OtherOrgRecords, count_by_org
from unlost.app.records.record_selectors import chosen_records
from unlost.app.restores.open_restores import check_no_restore
from unlost.app.retention import scrubbing
from unlost.catalog.orgs.orgs import ProtectedOrg, get_org
from unlost.catalog.vault.mirroring import want_mirror
from unlost.engine.records.belonging import with_belongings
from unlost.model.access import Right, Role, Trace
from unlost.model.errors import UsageError
from unlost.model.runs.exclusion import RunKind
from unlost.model.source.reading import Json
from unlost.model.source.schema import ColumnTrait
from unlost.model.vault.erasure import Erase, Erasure, MatchColumn, PastErasure
from unlost.model.vault.erasure_proof import TableErased
from unlost.model.vault.maintenance import Agreement

TELLING = frozenset({
    ColumnTrait.NAME, ColumnTrait.UNIQUE, ColumnTrait.EXTERNAL_ID, ColumnTrait.EMAIL, ColumnTrait.PHONE,
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class ErasureRequest:
    """The records to erase, as typed.

    ``records``: TABLE/ID; ``related``: include everything that the org deletes with them;
    ``match``: TABLE.COLUMN, values that are kept out of later backups too.
    """

    records: tuple[str, ...]
    related: bool = False
    match: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ErasePlan:
    """The effect that an erasure would have now.

    ``digest`` identifies this effect; pass it to ``erase`` to agree. ``unknown``: number of
    ``records`` without data in the vault, which are kept out of later backups all the same.
    ``values``: number of suppressed values of matching columns. ``restores``: restores whose
    details are lost with their journals. ``rewritten``: bytes that are written again.
    ``matchable``: columns, as TABLE.COLUMN, that may identify the records under other ids.
    """

    org: str
    zone: str
    digest: str
    records: int
    unknown: int
    tables: tuple[TableErased, ...]
    values: int
    files: int
    file_bytes: int
    restores: tuple[str, ...]
    certificates: int
    rewritten: int
    elsewhere: tuple[OtherOrgRecords, ...]
    matchable: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ErasureResult:
    """The result of an erasure. ``snapshot``: its commit, None if there was nothing to do.

    ``removed``: bytes removed from the vault. ``scrubbed``: changed rows of the home's database.
    """

    org: str
    zone: str
    snapshot: int | None
    tables: tuple[TableErased, ...]
    files: int
    removed: int
    scrubbed: int

    @property
    def records(self) -> int:
        """Number of records in all tables."""
        return sum(table.records for table in self.tables)


@dataclass(frozen=True, slots=True)
class ErasureLine:
    """The proof of an erasure: time, run, counts, role of the requester, pseudonyms.

    With ``columns``, as TABLE.COLUMN, it is the proof of a rectification: the records still exist.
    """

    run: str
    at: datetime
    by: str
    snapshot: int
    tables: tuple[TableErased, ...]
    files: int
    restores: int
    listed: int
    marks: str
    pseudonyms: tuple[str, ...]
    complete: bool
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Erasures:
    """The proofs of an org, oldest first."""

    org: str
    zone: str
    erasures: tuple[ErasureLine, ...]


def _noted(done: ErasureResult) -> dict[str, Json]:
    return {"records": done.records, "files": done.files, "snapshot": done.snapshot}


@action("erase.plan", Right.MANAGE)
def plan(app: Application, org: str, erasure_request: ErasureRequest) -> ErasePlan:
    """Show what would be erased now; nothing is written.

    Raises UsageError (``record-unreadable``, ``id-wrong``, ``match-unreadable``,
    ``column-unknown``), Conflict (``erase-held``), NotFound.
    """
    known = get_org(org)
    planned = app.whole_vault.plan(
        known.oid, _operation(app, known, erasure_request), pause=app.cancel_flag.check
    )
    erasure = planned.effect
    return ErasePlan(
        org=known.name,
        zone=known.identity.zone,
        digest=planned.digest,
        records=len(erasure.records),
        unknown=len(erasure.unknown),
        tables=erasure.tables,
        values=erasure.values,
        files=erasure.files,
        file_bytes=erasure.file_bytes,
        restores=erasure.journals,
        certificates=erasure.certificates,
        rewritten=erasure.rewritten,
        elsewhere=count_by_org(app, erasure.elsewhere),
        matchable=_matchable(app, known, erasure),
    )


# ``wish`` and ``plan`` are names in the request of the API.
@action("erase.run", Right.MANAGE, trace=Trace.WRITE, detail=_noted)
def erase(app: Application, org: str, wish: ErasureRequest, *, plan: str) -> ErasureResult:
    """Erase what the plan with this digest showed, in the vault and in the home.

    Raises Conflict (``erase-changed``) if the effect has changed, (``erase-held``), (``runs-open``)
    while a backup or a restore is open, (``run-in-progress``), NotFound.
    """
    known = get_org(org)
    return apply_erasure(app, known, lambda: _operation(app, known, wish), digest=plan)


def apply_erasure(
    app: Application,
    known: ProtectedOrg,
    operation: Callable[[], Erase],
    *,
    digest: str,
    check: Callable[[], object] = lambda: None,
) -> ErasureResult:
    """Erase records in the vault and in the home, if the effect has this digest; as ``erase``.

    ``operation`` is called while no other run of the org is active, and ``check`` right before
    the first write.
    """
    run = f"erase-{app.clock.now():%Y%m%d-%H%M%S}-{app.entropy.bytes(4).hex()}"

    def before_write(erasure: Erasure) -> None:
        check_no_restore(app, known)  # again: computing the effect takes long
        check()
        store_periods_before_erasing(app, known.oid)
        scrubbing.note(app, known, erasure.records, run=run)

    vault = app.whole_vault
    with app.lease.hold(known.oid, kind=RunKind.ERASE, run=run):
        check_no_restore(app, known)
        scrubbing.finish(app, known)  # of one that was cut off
        agreed = Agreement(operation(), digest)
        done = vault.apply(
            known.oid, agreed, run=run, pause=app.cancel_flag.check, before_write=before_write
        )
        # After the commit, so that an erasure that fails changes nothing in the home.
        scrubbed = scrubbing.finish(app, known, sure=run)
    want_mirror()  # the mirror must not contain it either
    return ErasureResult(
        known.name,
        known.identity.zone,
        done.snapshot,
        done.tables,
        done.files,
        done.removed,
        scrubbed,
    )


@action("erase.list", Right.LOOK)
def erasures(app: Application, org: str) -> Erasures:
    """List proofs of erasures and rectifications of an org; raises NotFound for an unknown org."""
    known = get_org(org)
    past_erasures = app.whole_vault.past_operations(known.oid, PastErasure)
    return Erasures(known.name, known.identity.zone, tuple(map(_line, past_erasures)))


def _line(erasure: PastErasure) -> ErasureLine:
    proof = erasure.proof
    return ErasureLine(
        run=proof.run,
        at=proof.at,
        by=proof.by,
        snapshot=erasure.snapshot,
        tables=proof.tables,
        files=proof.files,
        restores=proof.journals,
        listed=proof.listed,
        marks=proof.marks,
        pseudonyms=erasure.pseudonyms,
        complete=erasure.complete,
        columns=proof.columns,
    )


def _operation(app: Application, org: ProtectedOrg, erasure_request: ErasureRequest) -> Erase:
    records = chosen_records(app, org, erasure_request.records)
    head = app.whole_vault.newest_backup(org.oid)
    if erasure_request.related and head is not None:
        records = with_belongings(head, records)
    return Erase(records, tuple(map(_column, erasure_request.match)), by=Role.ADMIN.value)


def _column(text: str) -> MatchColumn:
    table, _, column = text.partition(".")
    if not (table and column):
        raise UsageError(
            "match-unreadable",
            "{text!r} is not a valid column reference.",
            next_step="Write it as TABLE.COLUMN, such as Contact.Email.",
            text=text,
        )
    return MatchColumn(table, column)


def _matchable(app: Application, org: ProtectedOrg, erasure: Erasure) -> tuple[str, ...]:
    """Return the columns of the affected tables whose values identify a record."""
    head = app.whole_vault.newest_backup(org.oid)
    going = {table.table for table in erasure.tables}
    return tuple(
        str(MatchColumn(table.name, column.name))
        for table in (head.schema().tables if head is not None else ())
        if table.name in going
        for column in table.columns
        if column.traits & TELLING or column.name == table.name_column
    )

"""Correct values of a record in the whole history of an org: plan and run.

The proofs are listed by ``erase``.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from unlost.app.access import action
from unlost.app.archive.periods import store_periods_before_erasing
from unlost.app.compose import Application
from unlost.app.records.other_orgs import OtherOrgRecords, count_by_org
from unlost.app.records.record_selectors import chosen_records
from unlost.app.restores.open_restores import check_no_restore
from unlost.app.restores.overrides import TypedValueReader
from unlost.app.retention import scrubbing
from unlost.catalog.orgs.orgs import ProtectedOrg, get_org
from unlost.catalog.vault.mirroring import want_mirror
from unlost.model.access import Right, Role, Trace
from unlost.model.errors import UsageError
from unlost.model.plan import RecordKey
from unlost.model.runs.exclusion import RunKind
from unlost.model.source.reading import Json
from unlost.model.vault.erasure_proof import TableErased
from unlost.model.vault.maintenance import Agreement
from unlost.model.vault.rectification import Rectification, Rectify, RightValue


@dataclass(frozen=True, slots=True)
class CorrectionRequest:
    """The correction, as typed.

    ``record``: TABLE/ID; ``values``: COLUMN=VALUE, where an empty value empties the column. With
    ``was``, only versions with this value in the one column change.
    """

    record: str
    values: tuple[str, ...]
    was: str | None = None


@dataclass(frozen=True, slots=True)
class RectifyPlan:
    """The effect that a correction would have now.

    ``digest`` identifies this effect; pass it to ``rectify`` to agree. ``records``: the requested
    one and the ones it was restored as. ``tables``: numbers of records and versions that change.
    ``current``: columns, as TABLE.COLUMN, that differ in the newest backup too, so that the org
    must be corrected. ``restores``: runs whose details are lost, so that they cannot be undone.
    ``rewritten``: bytes that are written again.
    """

    org: str
    zone: str
    digest: str
    records: int
    tables: tuple[TableErased, ...]
    columns: tuple[str, ...]
    current: tuple[str, ...]
    files: int
    file_bytes: int
    restores: tuple[str, ...]
    certificates: int
    rewritten: int
    elsewhere: tuple[OtherOrgRecords, ...]


@dataclass(frozen=True, slots=True)
class RectifyResult:
    """The result of a correction. ``snapshot``: its commit, None if nothing was wrong.

    ``removed``: bytes removed from the vault. ``scrubbed``: changed rows of the home's database.
    """

    org: str
    zone: str
    snapshot: int | None
    tables: tuple[TableErased, ...]
    columns: tuple[str, ...]
    current: tuple[str, ...]
    removed: int
    scrubbed: int

    @property
    def versions(self) -> int:
        """Number of versions in all tables."""
        return sum(table.versions for table in self.tables)


def _noted(done: RectifyResult) -> dict[str, Json]:
    return {"versions": done.versions, "snapshot": done.snapshot}


@action("rectify.plan", Right.MANAGE)
def plan(app: Application, org: str, correction_request: CorrectionRequest) -> RectifyPlan:
    """Show what would be corrected now; nothing is written.

    Raises UsageError (``record-unreadable``, ``id-wrong``, ``rectify-unreadable``,
    ``rectify-unclear``, ``rectify-too-long``, ``column-unknown``, ``rectify-fixed``,
    ``edit-value-wrong``), Conflict (``rectify-held``), NotFound.
    """
    known = get_org(org)
    planned = app.whole_vault.plan(
        known.oid, _operation(app, known, correction_request), pause=app.cancel_flag.check
    )
    rectification = planned.effect
    return RectifyPlan(
        org=known.name,
        zone=known.identity.zone,
        digest=planned.digest,
        records=len(rectification.records),
        tables=rectification.tables,
        columns=rectification.columns,
        current=rectification.current,
        files=rectification.files,
        file_bytes=rectification.file_bytes,
        restores=rectification.journals,
        certificates=rectification.certificates,
        rewritten=rectification.rewritten,
        elsewhere=count_by_org(app, rectification.elsewhere),
    )


# ``wish`` and ``plan`` are names in the request of the API.
@action("rectify.run", Right.MANAGE, trace=Trace.WRITE, detail=_noted)
def rectify(app: Application, org: str, wish: CorrectionRequest, *, plan: str) -> RectifyResult:
    """Correct what the plan with this digest showed, in the vault and in the home.

    Raises Conflict (``rectify-changed``) if the effect has changed, (``rectify-held``),
    (``runs-open``) while a backup or a restore is open, (``run-in-progress``), NotFound.
    """
    known = get_org(org)
    run = f"rectify-{app.clock.now():%Y%m%d-%H%M%S}-{app.entropy.bytes(4).hex()}"
    vault = app.whole_vault

    def before_write(rectification: Rectification) -> None:
        check_no_restore(app, known)  # again: computing the effect takes long
        store_periods_before_erasing(app, known.oid)
        if rectification.columns:
            scrubbing.note(app, known, rectification.records, run=run)

    with app.lease.hold(known.oid, kind=RunKind.RECTIFY, run=run):
        check_no_restore(app, known)
        scrubbing.finish(app, known)  # of one that was cut off
        agreed = Agreement(_operation(app, known, wish), plan)
        done = vault.apply(
            known.oid, agreed, run=run, pause=app.cancel_flag.check, before_write=before_write
        )
        scrubbed = scrubbing.finish(app, known)
    want_mirror()  # the mirror must not contain it either
    return RectifyResult(
        known.name,
        known.identity.zone,
        done.snapshot,
        done.tables,
        done.columns,
        done.current,
        done.removed,
        scrubbed,
    )


def _operation(
    app: Application, org: ProtectedOrg, correction_request: CorrectionRequest
) -> Rectify:
    (record,) = chosen_records(app, org, (correction_request.record,))
    reading = TypedValueReader(app, org)
    values = [
        RightValue(name, reading.cell(record.table, name, text))
        for name, text in map(_named, correction_request.values)
    ]
    return Rectify(
        record,
        tuple(values),
        _was(reading, record, values, correction_request),
        by=Role.ADMIN.value,
    )


def _was(
    reading: TypedValueReader,
    record: RecordKey,
    values: Sequence[RightValue],
    correction_request: CorrectionRequest,
) -> str | None:
    """Return the wrong value in the org's form; as typed if the column cannot contain it."""
    if correction_request.was and len(values) == 1:
        with suppress(UsageError):
            return reading.cell(record.table, values[0].column, correction_request.was)
    return correction_request.was


def _named(text: str) -> tuple[str, str | None]:
    """Split COLUMN=VALUE. An error does not repeat the value, which may be personal data."""
    column, sign, value = text.partition("=")
    if not (column and sign):
        raise UsageError(
            "rectify-unreadable",
            "{column!r} does not give a column and its corrected value.",
            next_step="Write it as COLUMN=VALUE, such as Email=ann@example.com.",
            column=column,
        )
    return column, value or None

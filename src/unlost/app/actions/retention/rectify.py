"""Correct values of a record in all history of an org: plan it, and do it. Its proofs are listed by ``erase``."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import msgspec
from blake3 import blake3

from unlost.app.access import action
from unlost.app.actions.retention.erase import DIGEST_BYTES
from unlost.app.compose import Application
from unlost.app.records.other_orgs import OtherOrgRecords, elsewhere_of
from unlost.app.records.record_selectors import chosen_records
from unlost.app.restores.open_restores import check_no_restore
from unlost.app.restores.overrides import TypedValueReader
from unlost.app.retention import scrubbing
from unlost.catalog.mirroring import want_mirror
from unlost.catalog.orgs import ProtectedOrg, get_org
from unlost.model.access import Right, Role, Trace
from unlost.model.erasure import TableErased
from unlost.model.errors import Conflict, UsageError
from unlost.model.plan import RecordKey
from unlost.model.reading import Json
from unlost.model.rectification import Rectification, RectifyWish, RightValue


@dataclass(frozen=True, slots=True)
class CorrectionRequest:
    """What is to be corrected, as it was typed.

    ``record`` is TABLE/ID, ``values`` are COLUMN=VALUE; nothing behind the sign empties the column. With
    ``was`` only versions change that have this value in the one column.
    """

    record: str
    values: tuple[str, ...]
    was: str | None = None


@dataclass(frozen=True, slots=True)
class RectifyPlan:
    """What correcting would change now.

    ``digest`` names just this: who has seen it has it done by ``rectify``. ``records``: the one that was named
    and those that it came back as. ``tables`` tell how many records and versions change. ``current``
    are columns, as TABLE.COLUMN, in which the org has another value too, as far as the newest backup knows.
    ``restores`` can be told and undone no more. ``rewritten`` bytes are written anew.
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
    """What was corrected. ``snapshot`` is the commit that did it, None where nothing was wrong.

    ``removed`` bytes are gone from the vault, ``scrubbed`` rows of the home's database were changed.
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
        """Versions over all tables."""
        return sum(one.versions for one in self.tables)


def _noted(done: RectifyResult) -> dict[str, Json]:
    return {"versions": done.versions, "snapshot": done.snapshot}


@action("rectify.plan", Right.MANAGE)
def plan(app: Application, org: str, wish: CorrectionRequest) -> RectifyPlan:
    """What would be corrected now; nothing is written.

    Raises UsageError (``record-unreadable``, ``id-wrong``, ``rectify-unreadable``, ``rectify-unclear``,
    ``rectify-too-long``, ``column-unknown``, ``rectify-fixed``, ``edit-value-wrong``), Conflict
    (``rectify-held``), NotFound.
    """
    known = get_org(org)
    wished = _wish(app, known, wish)
    found = app.whole_vault.plan_rectification(known.oid, wished, pause=app.brake.check)
    return RectifyPlan(
        org=known.name,
        zone=known.identity.zone,
        digest=_digest_of(found, wished),
        records=len(found.records),
        tables=found.tables,
        columns=found.columns,
        current=found.current,
        files=found.files,
        file_bytes=found.file_bytes,
        restores=found.journals,
        certificates=found.certificates,
        rewritten=found.rewritten,
        elsewhere=elsewhere_of(app, found.elsewhere),
    )


@action("rectify.run", Right.MANAGE, trace=Trace.WRITE, told=_noted)
def rectify(app: Application, org: str, wish: CorrectionRequest, *, plan: str) -> RectifyResult:
    """Correct what the plan of this digest said, everywhere in the vault and the home, at once.

    Raises Conflict (``rectify-changed``) where something else would change by now, (``rectify-held``),
    (``runs-open``) while a backup or a restore is open, (``run-in-progress``), NotFound.
    """
    known = get_org(org)
    run = f"rectify-{app.clock.now():%Y%m%d-%H%M%S}-{app.entropy.bytes(4).hex()}"
    vault = app.whole_vault
    with scrubbing.nothing_else(app, known, run=run):
        check_no_restore(app, known)
        scrubbing.finish(app, known)  # of one that was cut off
        wished = _wish(app, known, wish)

        def agree(found: Rectification) -> None:
            if _digest_of(found, wished) != plan:
                raise _changed(known.name)
            check_no_restore(
                app, known
            )  # the look takes its time, and one may have begun meanwhile
            if found.columns:
                scrubbing.note(app, known, found.records, run=run)

        done = vault.rectify(known.oid, wished, run=run, pause=app.brake.check, agree=agree)
        scrubbed = scrubbing.finish(app, known)
    want_mirror()  # the second copy must not tell of it either
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


def _wish(app: Application, org: ProtectedOrg, wish: CorrectionRequest) -> RectifyWish:
    (record,) = chosen_records(app, org, (wish.record,))
    reading = TypedValueReader(app, org)
    values = [
        RightValue(name, reading.cell(record.table, name, text))
        for name, text in map(_named, wish.values)
    ]
    return RectifyWish(
        record, tuple(values), _was(reading, record, values, wish), by=Role.ADMIN.value
    )


def _was(
    reading: TypedValueReader,
    record: RecordKey,
    values: Sequence[RightValue],
    wish: CorrectionRequest,
) -> str | None:
    """The wrong value as the org would tell it; as it was typed where such a column cannot hold it."""
    if wish.was and len(values) == 1:
        with suppress(UsageError):
            return reading.cell(record.table, values[0].column, wish.was)
    return wish.was


def _named(text: str) -> tuple[str, str | None]:
    """Column and value of COLUMN=VALUE. What is typed behind the sign is not repeated in an error."""
    column, sign, value = text.partition("=")
    if not (column and sign):
        raise UsageError(
            "rectify-unreadable",
            f"{column!r} does not say what a column has in truth.",
            next_step="Write it as COLUMN=VALUE, such as Email=ann@example.com.",
        )
    return column, value or None


def _digest_of(found: Rectification, wish: RectifyWish) -> str:
    """Names what changes and into what, however the vault lies."""
    told = (found.records, found.tables, found.columns, found.files, found.journals)
    return blake3(msgspec.json.encode((told, wish))).hexdigest(length=DIGEST_BYTES)


def _changed(org: str) -> Conflict:
    return Conflict(
        "rectify-changed",
        f"Something else of {org} would be corrected by now than the plan said. Nothing was.",
        next_step="Look at the plan again, with `unlost rectify ORG --plan`, and decide anew.",
    )

"""Salvage what is left of damaged objects that no copy has whole: plan it, and do it."""

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec
from blake3 import blake3

from unlost.app import scrubbing
from unlost.app.access import Where, action
from unlost.app.actions.erase import DIGEST_BYTES
from unlost.app.compose import Application
from unlost.app.open_restores import check_no_restore
from unlost.app.second_copy import mirror_place, opener, store_at
from unlost.catalog.checks import save_check
from unlost.catalog.orgs import ProtectedOrg, list_orgs
from unlost.model.access import Right, Trace
from unlost.model.errors import Conflict
from unlost.model.night import CheckRecord
from unlost.model.reading import Json
from unlost.model.salvage import LostFile, Salvage, TableSalvaged
from unlost.model.snapshot import Damage, VerifyLevel
from unlost.vault.mirror.repair import curable


@dataclass(frozen=True, slots=True)
class OrgSalvage:
    """What salvaging does to an org, or did; see ``unlost.model.salvage``.

    ``objects`` are damaged, and are not part of the vault afterwards. ``reread`` tables are read whole by
    the next backup. ``snapshot`` is the commit that did it, None in a plan.
    """

    org: str
    zone: str
    objects: tuple[str, ...]
    tables: tuple[TableSalvaged, ...]
    files: tuple[LostFile, ...]
    files_lost: int
    reread: tuple[str, ...]
    left: tuple[Damage, ...]
    snapshot: int | None = None

    @property
    def lost(self) -> int:
        """Versions that are lost, of all tables."""
        return sum(one.lost for one in self.tables)

    @property
    def reduced(self) -> int:
        """Versions that have lost columns, of all tables."""
        return sum(one.reduced for one in self.tables)


@dataclass(frozen=True, slots=True)
class SalvagePlan:
    """What salvaging would do now, by org, where something is damaged.

    ``digest`` names just this: who has seen it has it done by ``salvage``.
    """

    digest: str
    orgs: tuple[OrgSalvage, ...]


@dataclass(frozen=True, slots=True)
class Salvaged:
    """What was salvaged, by org. ``damages`` are those that are left."""

    orgs: tuple[OrgSalvage, ...]
    damages: tuple[Damage, ...]

    @property
    def whole(self) -> bool:
        """True if nothing is damaged any more."""
        return not self.damages


def _noted(done: Salvaged) -> dict[str, Json]:
    return {
        "versions_lost": sum(one.lost for one in done.orgs),
        "versions_reduced": sum(one.reduced for one in done.orgs),
        "files_lost": sum(one.files_lost for one in done.orgs),
        "snapshots": [one.snapshot for one in done.orgs],
    }


@action("salvage.plan", Right.MANAGE, where=Where.HOME)
def plan(app: Application) -> SalvagePlan:
    """What would be kept and what would be lost; nothing is written.

    Raises Conflict (``salvage-copy``) where the second copy has something of it whole, IntegrityError where
    commits or schemas are damaged, StoreError.
    """
    _check_copy(app)
    return _plan(tuple(_planned(app)))


@action("salvage.run", Right.MANAGE, trace=Trace.WRITE, where=Where.HOME, told=_noted)
def salvage(app: Application, *, plan: str) -> Salvaged:
    """Do what the plan of this digest said, and look at the vault again.

    Raises what planning does, and Conflict (``salvage-changed``) where it would be something else by now,
    (``runs-open``) while a backup or a restore is open, (``run-in-progress``).
    """
    _check_copy(app)
    seen = tuple(_planned(app))
    if _plan(seen).digest != plan:
        raise _changed()
    known = {one.name: one for one in list_orgs()}
    done = tuple(_salvaged(app, known[one.org], one) for one in seen)
    report = app.damaged_vault.verify(VerifyLevel.FULL)
    damages = tuple(one.told for one in report.damages)
    now, level = app.clock.now(), VerifyLevel.FULL.value
    save_check(CheckRecord(now, level, report.objects, report.bytes, damages))
    return Salvaged(done, report.damages)


def _planned(app: Application) -> Iterator[OrgSalvage]:
    for org in list_orgs():
        found = app.whole_vault.plan_salvage(org.oid, pause=app.brake.check)
        if found.objects:
            yield _told(org, found)


def _salvaged(app: Application, org: ProtectedOrg, seen: OrgSalvage) -> OrgSalvage:
    run = f"salvage-{app.clock.now():%Y%m%d-%H%M%S}-{app.entropy.bytes(4).hex()}"

    def agree(found: Salvage) -> None:
        if _told(org, found) != seen:
            raise _changed()

    with scrubbing.nothing_else(app, org, run=run):
        check_no_restore(app, org)
        scrubbing.finish(app, org)  # of an erasure that was cut off
        done = app.whole_vault.salvage(org.oid, run=run, pause=app.brake.check, agree=agree)
    return _told(org, done)


def _told(org: ProtectedOrg, found: Salvage) -> OrgSalvage:
    return OrgSalvage(
        org=org.name,
        zone=org.identity.zone,
        objects=found.objects,
        tables=found.tables,
        files=found.files,
        files_lost=found.files_lost,
        reread=found.reread,
        left=found.left,
        snapshot=found.snapshot,
    )


def _plan(orgs: tuple[OrgSalvage, ...]) -> SalvagePlan:
    return SalvagePlan(blake3(msgspec.json.encode(orgs)).hexdigest(length=DIGEST_BYTES), orgs)


def _check_copy(app: Application) -> None:
    """Raise Conflict (``salvage-copy``) where the second copy has whole what is damaged here."""
    place = mirror_place(app)
    if place is None:
        return
    there = store_at(app, place)
    if not any(there.list("vault.json")):
        return
    whole = curable(store_at(app, app.home.place), there, opened=opener(app, witnessed=True))
    if whole:
        raise Conflict(
            "salvage-copy",
            f"The second copy in {place} has {len(whole)} of the damaged objects whole. Nothing was changed.",
            next_step="Bring them back first: unlost verify --repair-from mirror",
        )


def _changed() -> Conflict:
    return Conflict(
        "salvage-changed",
        "Something else would be lost by now than the plan said. Nothing was changed.",
        next_step="Look at the plan again, with `unlost verify --salvage --plan`, and decide anew.",
    )

"""Salvage the readable rest of damaged objects that the mirror does not have: plan and run.

The mirror comes first: as long as it has a damaged object undamaged, or cannot be reached, a
salvage is refused. One digest covers the plans of all orgs. See docs/adr/0032.
"""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass

from unlost.app.access import Where, action
from unlost.app.compose import Application
from unlost.app.restores.open_restores import check_no_restore
from unlost.app.retention import scrubbing
from unlost.app.vault.mirror import mirror_place, open_place, vault_opener
from unlost.catalog.orgs.orgs import ProtectedOrg, list_orgs
from unlost.catalog.runs.runs import recorded_commits
from unlost.catalog.vault.checks import save_check
from unlost.catalog.vault.mirroring import last_mirror
from unlost.model.access import Right, Trace
from unlost.model.errors import Conflict, IntegrityError, UnlostError
from unlost.model.message import Noun, counted
from unlost.model.runs.exclusion import RunKind
from unlost.model.runs.night import CheckRecord
from unlost.model.source.reading import Json
from unlost.model.vault.maintenance import MaintenancePlan, digest_of, planned
from unlost.model.vault.salvage import LostFile, Salvage, SalvageEffect, TableSalvaged
from unlost.model.vault.snapshot import Damage, VerifyLevel
from unlost.model.written import written
from unlost.vault.mirror.repair import repairable


@written(still_damaged="left")
@dataclass(frozen=True, slots=True)
class OrgSalvage:
    """The effect of a salvage on an org, planned or applied; see ``unlost.model.vault.salvage``.

    ``objects``: damaged objects, no longer part of the vault afterwards. ``certificates``: commits
    with lost certificates; ``journals``: runs with lost journals. ``reread``: tables that the next
    backup reads in full. ``still_damaged``: damage that a salvage cannot repair; without
    ``objects``, nothing else is found and nothing is done. ``snapshot``: the commit, None in a
    plan.
    """

    org: str
    zone: str
    objects: tuple[str, ...]
    tables: tuple[TableSalvaged, ...]
    files: tuple[LostFile, ...]
    files_lost: int
    certificates: tuple[int, ...]
    journals: tuple[str, ...]
    reread: tuple[str, ...]
    still_damaged: tuple[Damage, ...]
    snapshot: int | None = None

    @property
    def lost(self) -> int:
        """Number of lost versions in all tables."""
        return sum(table.lost for table in self.tables)

    @property
    def reduced(self) -> int:
        """Number of versions with lost columns in all tables."""
        return sum(table.reduced for table in self.tables)


@dataclass(frozen=True, slots=True)
class SalvagePlan:
    """The effect that a salvage would have now, for each org with damage.

    ``digest`` identifies this effect; pass it to ``salvage`` to agree.
    """

    digest: str
    orgs: tuple[OrgSalvage, ...]


@dataclass(frozen=True, slots=True)
class SalvageResult:
    """The result of a salvage, by org. ``damages``: damage that is left."""

    orgs: tuple[OrgSalvage, ...]
    damages: tuple[Damage, ...]

    @property
    def whole(self) -> bool:
        """True if nothing is damaged any more."""
        return not self.damages


def _noted(done: SalvageResult) -> dict[str, Json]:
    return {
        "versions_lost": sum(org.lost for org in done.orgs),
        "versions_reduced": sum(org.reduced for org in done.orgs),
        "files_lost": sum(org.files_lost for org in done.orgs),
        "certificates_lost": sum(len(org.certificates) for org in done.orgs),
        "journals_lost": [run for org in done.orgs for run in org.journals],
        "snapshots": [org.snapshot for org in done.orgs],
    }


@action("salvage.plan", Right.MANAGE, where=Where.HOME)
def plan(app: Application) -> SalvagePlan:
    """Show what would be kept and lost; nothing is written.

    Raises Conflict (``salvage-copy``) if the mirror has an object undamaged,
    (``salvage-copy-away``) if it is not there, StoreError if it does not answer, or if the vault
    cannot be read at the moment.
    """
    _check_copy(app)
    orgs = tuple(org_plan.result for org_plan in _planned(app))
    return SalvagePlan(digest_of(*orgs), orgs)


@action("salvage.run", Right.MANAGE, trace=Trace.WRITE, where=Where.HOME, detail=_noted)
def salvage(app: Application, *, plan: str) -> SalvageResult:
    """Salvage what the plan with this digest showed, and verify the vault again.

    Raises the errors of ``plan``, and Conflict (``salvage-changed``) if the effect has changed,
    (``runs-open``) while a backup or a restore is open, (``run-in-progress``): then nothing was
    changed. Raises Conflict (``salvage-broke-off``) if some orgs are done and another one failed.
    """
    _check_copy(app)
    seen = tuple(_planned(app))
    if digest_of(*(org_plan.result for org_plan in seen)) != plan:
        raise Salvage().changed()
    with ExitStack() as leases:
        going = [org_plan for org_plan in seen if org_plan.plan.effect.objects]
        done = _all_salvaged(
            app, [_Run(org_plan, _run_locked(app, org_plan.org, leases)) for org_plan in going]
        )
    # The check shows what is left, and replaces the one that reported the damage.
    report = app.damaged_vault.verify(VerifyLevel.FULL, recorded=recorded_commits())
    damages = tuple(damage.text for damage in report.damages)
    now, level = app.clock.now(), VerifyLevel.FULL.value
    save_check(CheckRecord(now, level, report.objects, report.bytes, damages))
    return SalvageResult(done, report.damages)


@dataclass(frozen=True, slots=True)
class _OrgPlan:
    """The plan of an org."""

    org: ProtectedOrg
    plan: MaintenancePlan[SalvageEffect]

    @property
    def result(self) -> OrgSalvage:
        """The plan in the form that people see."""
        return _as_org_salvage(self.org, self.plan.effect)


@dataclass(frozen=True, slots=True)
class _Run:
    """A plan to apply, and the name of its run."""

    seen: _OrgPlan
    name: str


def _planned(app: Application) -> Iterator[_OrgPlan]:
    for org in list_orgs():
        try:
            maintenance_plan = app.whole_vault.plan(org.oid, Salvage(), pause=app.cancel_flag.check)
        # Damaged commits, schemas or keys cannot be salvaged: report them, and go on with other
        # orgs.
        except IntegrityError as error:
            broken = Damage(f"orgs/{org.oid}", error.sentence)
            maintenance_plan = planned(Salvage(), SalvageEffect(still_damaged=(broken,)))
        if maintenance_plan.effect.objects or maintenance_plan.effect.still_damaged:
            yield _OrgPlan(org, maintenance_plan)


def _run_locked(app: Application, org: ProtectedOrg, leases: ExitStack) -> str:
    """Keep other runs away from an org until ``leases`` is closed; returns the name of the run."""
    run = f"salvage-{app.clock.now():%Y%m%d-%H%M%S}-{app.entropy.bytes(4).hex()}"
    leases.enter_context(app.lease.hold(org.oid, kind=RunKind.SALVAGE, run=run))
    check_no_restore(app, org)
    scrubbing.finish(app, org)  # of an erasure that was cut off
    return run


def _all_salvaged(app: Application, runs: Iterable[_Run]) -> tuple[OrgSalvage, ...]:
    """Salvage the orgs one by one; an error after the first one lists the finished ones."""
    done: list[OrgSalvage] = []
    for run in runs:
        try:
            done.append(_salvaged(app, run))
        except UnlostError as error:
            if not done:
                raise
            raise _broke_off(run.seen.org, done, error) from error
    return tuple(done)


def _salvaged(app: Application, run: _Run) -> OrgSalvage:
    org, plan = run.seen.org, run.seen.plan
    return _as_org_salvage(
        org, app.whole_vault.apply(org.oid, plan, run=run.name, pause=app.cancel_flag.check)
    )


def _as_org_salvage(org: ProtectedOrg, effect: SalvageEffect) -> OrgSalvage:
    return OrgSalvage(
        org=org.name,
        zone=org.identity.zone,
        objects=effect.objects,
        tables=effect.tables,
        files=effect.files,
        files_lost=effect.files_lost,
        certificates=effect.certificates,
        journals=effect.journals,
        reread=effect.reread,
        still_damaged=effect.still_damaged,
        snapshot=effect.snapshot,
    )


def _check_copy(app: Application) -> None:
    """Raise Conflict if the mirror has undamaged objects, or cannot be reached.

    Codes ``salvage-copy`` and ``salvage-copy-away``; StoreError if it does not answer.
    """
    place = mirror_place(app)
    if place is None:
        return
    there = open_place(app, place)
    if not any(there.list("vault.json")):
        if last_mirror() is None:  # it was never begun
            return
        raise Conflict(
            "salvage-copy-away",
            "The mirror in {place} is missing or incomplete, but one existed or was started. "
            "It may contain undamaged versions of the damaged objects. Nothing was changed.",
            next_step="Mount its disk or network share again. If the mirror is lost for good, "
            "stop mirroring with `unlost vault mirror off`.",
            place=place,
        )
    whole = repairable(
        open_place(app, app.home.place), there, opened=vault_opener(app, witnessed=True)
    )
    if whole:
        raise Conflict(
            "salvage-copy",
            "The mirror in {place} has undamaged versions of some damaged objects ({objects}). "
            "Nothing was changed.",
            next_step="Restore them first with `unlost verify --repair-from mirror`.",
            place=place,
            objects=counted(len(whole), Noun.OBJECT),
        )


def _broke_off(org: ProtectedOrg, done: Iterable[OrgSalvage], error: UnlostError) -> Conflict:
    why = (
        "the effect of the salvage has changed since the plan"
        if error.code == "salvage-changed"
        else error.sentence
    )
    names = ", ".join(org_salvage.org for org_salvage in done)
    return Conflict(
        "salvage-broke-off",
        "Salvaged: {names}. Not salvaged: {org}, and the orgs after it: {why}.",
        next_step="Fix the cause, then review the plan again with `unlost verify --salvage "
        "--plan`.",
        names=names,
        org=org.name,
        why=why.rstrip("."),
    )

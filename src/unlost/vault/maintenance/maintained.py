"""Maintenance methods of an opened vault: the port ``VaultMaintenance``.

Forget, erase, rectify and salvage go through ``plan`` and ``apply``, which compare the effect with
the one that a person agreed to. Compact, rekey and sweep need no plan, because they change no
backup. See docs/adr/0034.

Each method imports what it runs: all of it together takes longer to import than most commands run.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Self

from unlost.vault.commits.state import live_objects
from unlost.vault.format.physical import HOLDS
from unlost.vault.layout import object_names

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from unlost.model.plan import RecordKey
    from unlost.model.ports.system import Witness
    from unlost.model.vault.maintenance import Agreement, MaintenanceOperation, MaintenancePlan
    from unlost.model.vault.maintenance_results import Compaction, OrgUsage, Sweep
    from unlost.model.vault.rekeying import Rekeyed
    from unlost.model.vault.retention import Hold, HoldTarget
    from unlost.model.vault.snapshot import SnapshotInfo, VerifyLevel, VerifyPart, VerifyReport
    from unlost.vault.keys.sealing import SealedObjects
    from unlost.vault.maintenance.pending import RemovalDecisions
    from unlost.vault.read.org_vault import OrgVault


class MaintainedVault(ABC):
    """Maintenance of an opened vault; see the port ``VaultMaintenance``."""

    def __init__(self, sealed: SealedObjects, *, witness: Witness | None) -> None:
        self.sealed = sealed
        self._witness = witness

    @abstractmethod
    def org_vault(self, org: str) -> OrgVault:
        """Open an org; raises NotFound (``org-unknown``)."""

    @abstractmethod
    def uncached(self) -> Self:
        """Return this vault without the local cache: every read goes to the store."""

    def plan[E](
        self,
        org: str,
        operation: MaintenanceOperation[E],
        *,
        pause: Callable[[], None] = lambda: None,
    ) -> MaintenancePlan[E]:
        """Compute the effect that an operation would have now; writes nothing."""
        from unlost.vault.maintenance.operations import is_uncached, plan_operation

        vault = self.uncached() if is_uncached(operation) else self
        return plan_operation(vault.org_vault(org), operation, pause=pause)

    def apply[E](
        self,
        org: str,
        plan: Agreement[E],
        *,
        run: str,
        pause: Callable[[], None] = lambda: None,
        before_write: Callable[[E], object] = lambda _: None,
    ) -> E:
        """Carry out an operation that was agreed to; refuse it if its effect has changed.

        Raises Conflict (``removals-wait``) while a foreign commit waits for a decision.
        """
        from unlost.vault.maintenance.operations import apply_plan, is_uncached
        from unlost.vault.maintenance.pending import check_decided

        check_decided(self.org_vault(org), plan.operation)
        vault = self.uncached() if is_uncached(plan.operation) else self
        return apply_plan(
            vault.org_vault(org), plan, run=run, pause=pause, before_write=before_write
        )

    def compact(
        self, org: str, *, run: str, pause: Callable[[], None] = lambda: None
    ) -> Compaction:
        """Merge segments that are due, without any change to a snapshot.

        Only one compaction may run in an org; backups may run meanwhile. Nothing is merged while a
        commit of others waits for a decision. Raises Conflict (``maintenance-outrun``),
        IntegrityError, StoreError, and any error of ``pause``.
        """
        from unlost.model.vault.maintenance_results import Compaction
        from unlost.vault.maintenance.compactor import compact

        org_vault = self.org_vault(org)
        # A merge drops rows that no snapshot shows: by a state that others may have forged.
        if org_vault.foreign.guard().waiting:
            return Compaction()
        return compact(org_vault, run=run, pause=pause)

    def rekey(
        self,
        org: str,
        *,
        run: str,
        most: int | None = None,
        pause: Callable[[], None] = lambda: None,
    ) -> Rekeyed:
        """Reseal all live objects under the newest org key, then remove the earlier keys.

        Nothing is resealed while a foreign commit waits for a decision, because a repair could
        not recognize what it had put in the place of other data. The same holds for documents and
        manifests of a rejected one: they are under an earlier key, and would be lost with it.
        """
        from unlost.model.vault.rekeying import Rekeyed
        from unlost.vault.maintenance.rekey.rekeyer import rekey

        org_vault = self.org_vault(org)
        guard = org_vault.foreign.guard()
        if guard.waiting or guard.covers(*_documents(org)):
            return Rekeyed(waiting=max(1, len(guard.objects)), complete=False)
        return rekey(org_vault, run=run, most=most, pause=pause)

    def sweep(self, org: str, *, run: str) -> Sweep:
        """Remove objects condemned days ago, and condemn leftovers of runs that failed."""
        from unlost.vault.maintenance.garbage import sweep

        return sweep(self.org_vault(org), run=run)

    def removals(self, org: str) -> RemovalDecisions:
        """Return the commits of an org that this home did not order, to decide about them."""
        from unlost.vault.maintenance.pending import RemovalDecisions

        return RemovalDecisions(self.org_vault(org))

    def verify(
        self,
        level: VerifyLevel,
        *,
        part: VerifyPart | None = None,
        recorded: Mapping[str, int] | None = None,
    ) -> VerifyReport:
        """Check that all objects exist and, depending on ``level`` and ``part``, are undamaged."""
        from unlost.vault.maintenance.verify import HeadMemory, VerifyScope, verify_vault

        vault = self.uncached()
        return verify_vault(
            vault.sealed,
            scope=VerifyScope(level, part),
            memory=HeadMemory(self._witness, recorded or {}),
            open_org=vault.org_vault,
        )

    def holds(self, org: str) -> tuple[Hold, ...]:
        """List all legal holds that were not lifted, including expired ones."""
        org_vault = self.org_vault(org)
        live = org_vault.chain.live()
        if not live.segments.get(HOLDS):
            return ()
        from unlost.vault.maintenance.retain.holds import holds_in

        return tuple(holds_in(org_vault, live))

    def change_holds(
        self,
        org: str,
        *,
        placed: Sequence[Hold] = (),
        lifted: Sequence[HoldTarget] = (),
        run: str,
    ) -> SnapshotInfo:
        """Lift legal holds, then place others; a new one replaces one on the same target."""
        from unlost.vault.maintenance.retain.holds import commit_holds

        return commit_holds(self.org_vault(org), placed=placed, lifted=lifted, run=run)

    def erased(self, org: str, records: Collection[RecordKey]) -> frozenset[RecordKey]:
        """Return the records among these that are on the suppression list."""
        from unlost.vault.maintenance.erase.suppression_entries import erased_among

        return erased_among(self.org_vault(org), records)

    def usage(self, org: str) -> OrgUsage:
        """Return the storage that an org needs, according to its newest commit."""
        from unlost.model.vault.maintenance_results import OrgUsage
        from unlost.vault.maintenance.rekey.earlier_keys import under_earlier

        org_vault = self.org_vault(org)
        objects = live_objects(org_vault.chain.live(), org=org)
        return OrgUsage(sum(entry.bytes for entry in objects), under_earlier(org_vault))


def _documents(org: str) -> tuple[str, ...]:
    """The folders of objects that a rekey removes without a commit, or replaces by redactions."""
    return (
        object_names.schemas(org),
        object_names.certificates(org),
        object_names.redactions(org),
        object_names.commits(org),
    )

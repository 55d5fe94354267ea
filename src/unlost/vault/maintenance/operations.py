"""The procedures of all maintenance operations, and the check of a plan before it is applied.

    plan_operation ─▶ find_effect ─▶ MaintenancePlan ─▶ a person agrees
    apply_plan ─▶ carry_out ─▶ find the effect again ─▶ agree ─▶ before_write ─▶ write
                                                        └─ other effect: Conflict, nothing written

To add an operation, add a class to the model and an entry to ``PROCEDURES``. See docs/adr/0034.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from unlost.model.vault.erasure import Erase
from unlost.model.vault.maintenance import Agreement, MaintenanceOperation, MaintenancePlan, planned
from unlost.model.vault.rectification import Rectify
from unlost.model.vault.retention import Forget
from unlost.model.vault.salvage import Salvage
from unlost.vault.maintenance.erase.eraser import erase, plan_erasure
from unlost.vault.maintenance.rectify.rectifier import plan_rectification, rectify
from unlost.vault.maintenance.retain.forget import forget, plan_forgetting
from unlost.vault.maintenance.rewrite.affected_segments import Pause
from unlost.vault.maintenance.salvage.salvager import plan_salvage, salvage
from unlost.vault.read.org_vault import OrgVault


class FindEffect[O, E](Protocol):
    """Finds the effect that an operation would have now, and writes nothing."""

    def __call__(self, org_vault: OrgVault, operation: O, /, *, pause: Pause) -> E:
        """Find the effect."""
        ...


class CarryOut[O, E](Protocol):
    """Carries an operation out; no other run may be open in the org."""

    def __call__(
        self,
        org_vault: OrgVault,
        operation: O,
        /,
        *,
        run: str,
        pause: Pause,
        agree: Callable[[E], object],
    ) -> E:
        """Find the effect, have ``agree`` refuse it by raising, then write."""
        ...


@dataclass(frozen=True, slots=True)
class Procedure[O, E]:
    """The functions that plan and carry out an operation.

    ``uncached``: reads must go to the store, because a local copy hides damage in the store.
    """

    find_effect: FindEffect[O, E]
    carry_out: CarryOut[O, E]
    uncached: bool = False


PROCEDURES: Mapping[type[object], Procedure[Any, Any]] = {
    Forget: Procedure(plan_forgetting, forget),
    Erase: Procedure(plan_erasure, erase),
    Rectify: Procedure(plan_rectification, rectify),
    Salvage: Procedure(plan_salvage, salvage, uncached=True),
}


def is_uncached(operation: MaintenanceOperation[Any]) -> bool:
    """Return true if an operation must not read the local cache."""
    return PROCEDURES[type(operation)].uncached


def plan_operation[E](
    org_vault: OrgVault, operation: MaintenanceOperation[E], *, pause: Pause
) -> MaintenancePlan[E]:
    """Compute the effect that an operation would have now; writes nothing."""
    procedure: Procedure[MaintenanceOperation[E], E] = PROCEDURES[type(operation)]
    return planned(operation, procedure.find_effect(org_vault, operation, pause=pause))


def apply_plan[E](
    org_vault: OrgVault,
    plan: Agreement[E],
    *,
    run: str,
    pause: Pause,
    before_write: Callable[[E], object],
) -> E:
    """Carry out an operation if its effect is still the one that was agreed to."""
    operation = plan.operation
    procedure: Procedure[MaintenanceOperation[E], E] = PROCEDURES[type(operation)]

    def agree(effect: E) -> None:
        # The check comes first: ``before_write`` may change the home, as a note of erased records
        # does.
        plan.check(effect)
        before_write(effect)

    return procedure.carry_out(org_vault, operation, run=run, pause=pause, agree=agree)

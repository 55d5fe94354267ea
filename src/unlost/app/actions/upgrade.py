"""Write down that a vault of an earlier format is of the newest one, once all of it could be read."""

from dataclasses import dataclass

from unlost.app.access import Where, action
from unlost.app.actions.verify import keep_report
from unlost.app.compose import Application
from unlost.model.access import Right, Trace
from unlost.model.errors import IntegrityError
from unlost.model.reading import Json
from unlost.model.snapshot import VerifyLevel, VerifyReport


@dataclass(frozen=True, slots=True)
class VaultUpgraded:
    """Of which format the vault is, and ``before`` was.

    ``objects`` and ``bytes`` were looked at; none where the two are one.
    """

    format: int
    before: int
    level: VerifyLevel
    objects: int = 0
    bytes: int = 0


def _noted(done: VaultUpgraded) -> dict[str, Json]:
    return {"format": done.format, "before": done.before}


@action("vault.upgrade", Right.MANAGE, trace=Trace.WRITE, where=Where.HOME, told=_noted)
def upgrade(app: Application, *, level: VerifyLevel = VerifyLevel.FULL) -> VaultUpgraded:
    """Verify all of the vault, then put the marker that says of which format it is.

    Nothing else is written: what lies there stays as it is. Raises IntegrityError (``upgrade-damaged``,
    ``marker-damaged``), NotAllowed, StoreError.
    """
    vault = app.whole_vault
    before = vault.format()
    report = vault.upgrade(level)
    if report is None:
        return VaultUpgraded(before, before, level)
    keep_report(report, at=app.clock.now())
    if report.damages:
        raise _damaged(report)
    return VaultUpgraded(vault.format(), before, level, report.objects, report.bytes)


def _damaged(report: VerifyReport) -> IntegrityError:
    first = report.damages[0]
    return IntegrityError(
        "upgrade-damaged",
        f"The vault is damaged: {len(report.damages)} objects, such as “{first.object}”. {first.sentence}",
        next_step="Bring them back with `unlost verify --repair-from PLACE`, then upgrade the vault. Nothing "
        "was changed.",
    )

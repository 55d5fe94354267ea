"""Erasures and salvages that were applied to an org.

Reading commands list them, and import no procedure of maintenance for it.
"""

from collections.abc import Iterator
from typing import cast

from unlost.model.vault.past_salvage import PastSalvage
from unlost.model.vault.snapshot import CommitKind
from unlost.vault.format.manifest import Manifest
from unlost.vault.read.org_vault import OrgVault

PUT_BACK = "put-back-"  # begins the names of repairs after a rejected commit (docs/adr/0036)


def past_operations[P](org_vault: OrgVault, kind: type[P]) -> tuple[P, ...]:
    """List the operations of this kind that were applied, oldest first."""
    if issubclass(kind, PastSalvage):
        return cast("tuple[P, ...]", salvages(org_vault))
    from unlost.vault.maintenance.erase.eraser import erasures

    return cast("tuple[P, ...]", erasures(org_vault))


def salvages(org_vault: OrgVault) -> tuple[PastSalvage, ...]:
    """List the salvages of an org, oldest first; not repairs after a rejected commit."""
    return tuple(
        PastSalvage(
            number, info.run, info.finished, tuple(_sentences(org_vault.chain.manifest(number)[0]))
        )
        for number, info in sorted(org_vault.chain.live().commits.items())
        if info.kind is CommitKind.SALVAGE and not info.run.startswith(PUT_BACK)
    )


def _sentences(manifest: Manifest) -> Iterator[str]:
    """Iterate over sentences about the losses of a salvage."""
    yield from (part.finding.sentence for part in manifest.tables if part.finding is not None)
    if manifest.withdrawn:
        yield f"Certificates of backups were lost: {len(manifest.withdrawn)}."
    for run in manifest.unjournaled:
        yield f"The journal of {run} was lost."

"""The backups of an org and their certificates."""

from dataclasses import dataclass

from unlost.app.access import action
from unlost.app.backups.moments import Past, backup_at, parse_past
from unlost.app.compose import Application
from unlost.catalog.orgs.orgs import ProtectedOrg, get_org
from unlost.model.access import Right
from unlost.model.errors import NotFound
from unlost.model.finding import Finding, Severity
from unlost.model.ports.vault import Snapshot
from unlost.model.vault.certificate import Certificate, Verdict
from unlost.model.vault.salvage import PastSalvage
from unlost.model.vault.snapshot import SnapshotInfo


@dataclass(frozen=True, slots=True)
class SnapshotList:
    """The backups of an org, oldest first; ``salvages`` list what was lost to damage."""

    org: str
    zone: str
    snapshots: tuple[SnapshotInfo, ...]
    salvages: tuple[PastSalvage, ...] = ()


@dataclass(frozen=True, slots=True)
class SnapshotCertificate:
    """The certificate of a snapshot. ``head`` is the hash of the snapshot's manifest.

    ``rests_on`` is the backup that certifies the remaining tables; None if there is none or it was
    forgotten.
    """

    org: str
    zone: str
    snapshot: int
    head: str
    certificate: Certificate
    rests_on: int | None = None

    @property
    def gaps(self) -> tuple[Finding, ...]:
        """The findings of severity gap, which make the verdict incomplete."""
        return gaps(self.certificate)

    @property
    def notes(self) -> tuple[Finding, ...]:
        """The notes, which do not change the verdict: about the whole backup, then about its tables.

        Without those about tables that have no data.
        """
        about_all = [finding for finding in self.certificate.findings if finding.table is None]
        tables = [finding for line in self.certificate.tables for finding in line.findings]
        return tuple(
            finding
            for finding in dict.fromkeys([*about_all, *tables])
            if finding.severity is Severity.NOTE
        )

    @property
    def complete(self) -> bool:
        """True if the certificate has no gaps."""
        return self.certificate.verdict is Verdict.COMPLETE


def gaps(proof: Certificate) -> tuple[Finding, ...]:
    """Return all findings of severity gap: of the whole org, then of its tables, each once."""
    everywhere = [*proof.findings, *(finding for line in proof.tables for finding in line.findings)]
    return tuple(
        finding for finding in dict.fromkeys(everywhere) if finding.severity is Severity.GAP
    )


@action("snapshot.list", Right.LOOK)
def snapshots(app: Application, org: str) -> SnapshotList:
    """List the backups of an org; raises NotFound for an unknown org."""
    known = get_org(org)
    nights = app.vault.snapshots(known.oid)
    salvages = app.vault.past_operations(known.oid, PastSalvage)
    return SnapshotList(org, known.identity.zone, tuple(nights), salvages)


@action("certificate.show", Right.LOOK)
def certificate(app: Application, org: str, *, at: str) -> SnapshotCertificate:
    """Show the certificate of the backup that ``at`` names; raises NotFound, UsageError."""
    known = get_org(org)
    snapshot = snapshot_at(app, known, parse_past(at, zone=known.identity.zone))
    proof = snapshot.certificate()
    if proof is None:
        raise NotFound(
            "certificate-missing",
            "Backup {number} has no certificate.",
            next_step="Choose another backup. List them with `unlost snapshots ORG`.",
            number=snapshot.info.number,
        )
    info = snapshot.info
    shown = {snapshot_info.number for snapshot_info in app.vault.snapshots(known.oid)}
    rests_on = proof.rests_on if proof.rests_on in shown else None
    return SnapshotCertificate(org, known.identity.zone, info.number, info.head, proof, rests_on)


def snapshot_at(app: Application, org: ProtectedOrg, moment: Past) -> Snapshot:
    """Return the backup at a moment; raises NotFound."""
    return app.vault.at(org.oid, backup_at(app.vault, org.oid, moment).number)

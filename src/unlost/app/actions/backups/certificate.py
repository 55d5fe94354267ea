"""The certificate of a backup."""

from collections.abc import Sequence
from dataclasses import dataclass

from unlost.app.access import action
from unlost.app.backups.moments import parse_past, snapshot_at
from unlost.app.compose import Application
from unlost.app.records.archived.open_archives import without_archived
from unlost.catalog.gaps import accepted_gaps
from unlost.catalog.orgs.orgs import ProtectedOrg, get_org
from unlost.engine.backup.proof.verdict import verdict_now
from unlost.model.access import Right
from unlost.model.errors import NotFound
from unlost.model.finding import Finding, Severity
from unlost.model.gaps import AcceptedGap, gaps_of, open_gaps
from unlost.model.message import Message
from unlost.model.vault.certificate import Certificate, Verdict
from unlost.model.vault.snapshot import nights


@dataclass(frozen=True, slots=True)
class SnapshotCertificate:
    """The certificate of a snapshot. ``head`` is the hash of the snapshot's manifest.

    ``rests_on`` is the backup that certifies the remaining tables; None if there is none or it was
    forgotten. ``accepted`` are the lasting acceptances that cover gaps of it. ``newest``: it is the
    newest backup of all tables, whose gaps can be accepted. ``other_gaps`` counts open gaps of the
    nightly backup on which an hourly one rests.
    """

    org: str
    zone: str
    snapshot: int
    head: str
    certificate: Certificate
    rests_on: int | None = None
    accepted: tuple[AcceptedGap, ...] = ()
    newest: bool = False
    other_gaps: int = 0

    @property
    def gaps(self) -> tuple[Finding, ...]:
        """All findings of severity gap, accepted or not."""
        return gaps_of(self.certificate)

    @property
    def open_gaps(self) -> tuple[Finding, ...]:
        """The open gaps."""
        return open_gaps(self.gaps, self.accepted)

    @property
    def verdict(self) -> Message:
        """The summary in words, with open and accepted gaps apart."""
        return verdict_now(self.certificate, self.accepted, other_gaps=self.other_gaps)

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
        """True if there is no open gap."""
        return not self.open_gaps and not self.other_gaps


@action("certificate.show", Right.LOOK)
def certificate(app: Application, org: str, *, at: str) -> SnapshotCertificate:
    """Show the certificate of the backup that ``at`` names; raises NotFound, UsageError.

    Leaves out deletions by an archive that had not ended at the time of the backup.
    """
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
    proof = without_archived(app, known.oid, info.number, proof)
    shown = {snapshot_info.number for snapshot_info in app.vault.snapshots(known.oid)}
    rests_on = proof.rests_on if proof.rests_on in shown else None
    lasting = accepted_gaps(known.oid)
    whole = nights(app.vault.snapshots(known.oid))
    return SnapshotCertificate(
        org,
        known.identity.zone,
        info.number,
        info.head,
        proof,
        rests_on,
        tuple(a for a in lasting if any(map(a.covers, gaps_of(proof)))),
        bool(whole) and whole[-1].number == info.number,
        _other_gaps(app, known, proof, lasting),
    )


def _other_gaps(
    app: Application, org: ProtectedOrg, proof: Certificate, accepted: Sequence[AcceptedGap]
) -> int:
    """Return the number of open gaps of the nightly backup on which an hourly one rests."""
    if proof.rests_on is None:
        return 0
    shown = {info.number for info in app.vault.snapshots(org.oid)}
    rest = app.vault.at(org.oid, proof.rests_on).certificate() if proof.rests_on in shown else None
    if rest is None:  # forgotten: the verdict of the hourly backup includes its own
        return int(proof.verdict is not Verdict.COMPLETE and not gaps_of(proof))
    return len(open_gaps(gaps_of(rest), accepted))

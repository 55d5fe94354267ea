"""Keep the figures of each backup in the catalog, and end acceptances of gaps that changed.

Pages that show many days read these figures, and no certificates. A backup whose figures are
missing, because the home is new or a run was cut off, is added by the next backup or the service.
"""

from collections.abc import Sequence
from datetime import timedelta

from unlost.app.compose import Application
from unlost.catalog.gaps import accepted_gaps, end_accepted_gap
from unlost.catalog.orgs.orgs import ProtectedOrg
from unlost.catalog.vault.summaries import (
    BackupSummary,
    forget_summaries,
    save_summaries,
    summaries_of,
)
from unlost.model.gaps import AcceptedGap, end_of, gaps_of, open_gaps
from unlost.model.vault.certificate import Certificate
from unlost.model.vault.snapshot import SnapshotInfo, nights

SHOWN = timedelta(days=31)  # 30 days of any time zone
REMEMBERED = timedelta(days=400)


def update_summaries(app: Application, org: ProtectedOrg) -> None:
    """Add the figures of new backups. A new newest backup ends acceptances that it outgrows."""
    missing = _missing(app, org)
    if not missing:
        return
    newest = nights(app.whole_vault.snapshots(org.oid))[-1]
    if missing[-1].number == newest.number:
        _end_acceptances(app, org, newest)
    accepted = accepted_gaps(org.oid)
    summaries = [_summary_at(app, org, info, accepted) for info in missing]
    save_summaries(org.oid, [summary for summary in summaries if summary is not None])
    forget_summaries(org.oid, before=app.clock.now() - REMEMBERED)


def refresh_newest(app: Application, org: ProtectedOrg) -> None:
    """Count the accepted gaps of the newest backup again, after a person decided about one."""
    whole = nights(app.whole_vault.snapshots(org.oid))
    summary = _summary_at(app, org, whole[-1], accepted_gaps(org.oid)) if whole else None
    if summary is not None:
        save_summaries(org.oid, [summary])


def lacks_summaries(app: Application, org: ProtectedOrg) -> bool:
    """Return True if figures of backups are missing."""
    return bool(_missing(app, org))


def summary_of(
    info: SnapshotInfo, proof: Certificate, accepted: Sequence[AcceptedGap]
) -> BackupSummary:
    """Return the figures of a certificate."""
    gaps = gaps_of(proof)
    return BackupSummary(
        info.number,
        info.certificate or "",
        info.as_of,
        info.finished,
        len(gaps),
        len(gaps) - len(open_gaps(gaps, accepted)),
        sum(line.stored for line in proof.tables),
    )


def _missing(app: Application, org: ProtectedOrg) -> list[SnapshotInfo]:
    """Return the newest backups whose figures are not in the catalog, oldest first."""
    since = app.clock.now() - SHOWN
    whole = nights(app.whole_vault.snapshots(org.oid))
    shown = [info for info in whole if info.finished >= since] or whole[-1:]
    if not shown:
        return []
    known = {
        summary.snapshot: summary.certificate
        for summary in summaries_of(org.oid, since=min(info.finished for info in shown))
    }
    return [
        info
        for info in shown
        if info.certificate is not None and known.get(info.number) != info.certificate
    ]


def _summary_at(
    app: Application, org: ProtectedOrg, info: SnapshotInfo, accepted: Sequence[AcceptedGap]
) -> BackupSummary | None:
    proof = app.whole_vault.at(org.oid, info.number).certificate()
    return summary_of(info, proof, accepted) if proof is not None else None


def _end_acceptances(app: Application, org: ProtectedOrg, newest: SnapshotInfo) -> None:
    proof = app.whole_vault.at(org.oid, newest.number).certificate()
    if proof is None:
        return
    gaps = gaps_of(proof)
    for acceptance in accepted_gaps(org.oid):
        end = end_of(acceptance, gaps) if newest.number > acceptance.snapshot else None
        if end is not None:
            end_accepted_gap(acceptance.id, end, at=app.clock.now())

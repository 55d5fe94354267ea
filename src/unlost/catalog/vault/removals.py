"""The ledger of own and foreign commits in the application database."""

import json
import zlib
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from unlost.model.ports.removals import CHECKPOINTS_KNOWN, ForeignCommit, RemovalDecision
from unlost.model.vault.snapshot import CommitKind

if TYPE_CHECKING:
    from unlost.catalog.models import ForeignCommitRow

RUN = 80  # characters of a run's name
MARGIN = (
    256  # examined commits of this home that stay: another process may be about to examine them
)


class SqlRemovals:
    """Remembers which commits this home ordered (port ``RemovalLedger``)."""

    def note_own(self, org: str, *, seq: int, head: str) -> None:
        """Record a commit of this home, on disk on return."""
        from unlost.catalog.connection import returned_connection
        from unlost.catalog.models import OwnCommitRow

        with returned_connection():
            OwnCommitRow.objects.get_or_create(oid=org, number=seq, head=head)

    def own_heads(self, org: str, *, after: int) -> Collection[tuple[int, str]]:
        """Number and head of the commits of this home after a number."""
        from unlost.catalog.connection import returned_connection
        from unlost.catalog.models import OwnCommitRow

        with returned_connection():
            rows = OwnCommitRow.objects.filter(oid=org, number__gt=after)
            return set(rows.values_list("number", "head"))

    def note_checkpoint(self, org: str, *, seq: int, digest: str) -> None:
        """Record a checkpoint that this home computed itself."""
        from unlost.catalog.connection import one_transaction
        from unlost.catalog.models import OwnCheckpointRow

        with one_transaction():
            rows = OwnCheckpointRow.objects.filter(oid=org)
            OwnCheckpointRow.objects.get_or_create(oid=org, digest=digest, defaults={"number": seq})
            newest = rows.order_by("-number", "-id").values_list("id", flat=True)
            rows.exclude(id__in=list(newest[:CHECKPOINTS_KNOWN])).delete()

    def checkpoints(self, org: str) -> Collection[str]:
        """The hashes of the newest checkpoints that this home computed itself."""
        from unlost.catalog.connection import returned_connection
        from unlost.catalog.models import OwnCheckpointRow

        with returned_connection():
            rows = OwnCheckpointRow.objects.filter(oid=org)
            return set(rows.values_list("digest", flat=True))

    def examined(self, org: str) -> int:
        """The number up to which all commits were examined."""
        from unlost.catalog.connection import returned_connection
        from unlost.catalog.models import ExaminedRow

        with returned_connection():
            row = ExaminedRow.objects.filter(oid=org).first()
        return row.number if row is not None else 0

    def note_examined(self, org: str, commits: Sequence[ForeignCommit], *, until: int) -> None:
        """Record foreign commits; what is known of them stays."""
        from unlost.catalog.connection import one_transaction
        from unlost.catalog.models import ExaminedRow, ForeignCommitRow, OwnCommitRow

        with one_transaction():
            for commit in commits:
                ForeignCommitRow.objects.get_or_create(
                    oid=org, number=commit.seq, defaults=_columns(commit)
                )
            # Another process may have examined more meanwhile.
            if not ExaminedRow.objects.filter(oid=org, number__gte=until).exists():
                ExaminedRow.objects.update_or_create(oid=org, defaults={"number": until})
            OwnCommitRow.objects.filter(oid=org, number__lt=until - MARGIN).delete()

    def foreign(self, org: str) -> Sequence[ForeignCommit]:
        """The foreign commits that were not confirmed, oldest first."""
        from unlost.catalog.connection import returned_connection
        from unlost.catalog.models import ForeignCommitRow

        with returned_connection():
            rows = ForeignCommitRow.objects.filter(oid=org).order_by("number")
            return [_commit(row) for row in rows.exclude(decision=RemovalDecision.CONFIRMED.value)]

    def decide(
        self, org: str, seq: int, decision: RemovalDecision, *, objects: Sequence[str] = ()
    ) -> None:
        """Record a decision, and which objects remain under it."""
        from unlost.catalog.connection import returned_connection
        from unlost.catalog.models import ForeignCommitRow

        values = {"decision": decision.value, "objects_taken": _packed(objects)}
        with returned_connection():
            ForeignCommitRow.objects.filter(oid=org, number=seq).update(**values)


def _columns(commit: ForeignCommit) -> dict[str, object]:
    return {
        "head": commit.head,
        "kind": commit.kind.value,
        "run": commit.run.replace("\0", "")[:RUN],  # others wrote it: it may be anything
        "objects_taken": _packed(commit.objects),
        "hidden": " ".join(map(str, commit.hidden)),
        "first_seen": commit.first_seen,
        "decision": commit.decision.value,
    }


def _commit(row: "ForeignCommitRow") -> ForeignCommit:
    return ForeignCommit(
        seq=row.number,
        head=row.head,
        kind=CommitKind(row.kind),
        run=row.run,
        objects=tuple(json.loads(zlib.decompress(bytes(row.objects_taken)))),
        hidden=tuple(map(int, row.hidden.split())),
        first_seen=row.first_seen,
        decision=RemovalDecision(row.decision),
    )


def _packed(objects: Sequence[str]) -> bytes:
    return zlib.compress(json.dumps(objects).encode())

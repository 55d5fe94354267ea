"""The storage use of orgs, backup by backup, and the bytes that runs were to free."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from unlost.catalog.archive_models import FreedRow
from unlost.catalog.connection import returned_connection
from unlost.catalog.models import Org, StorageSample
from unlost.model.forecast import Sample
from unlost.model.freed import PredictedBytes
from unlost.model.source.quota import Quota


@dataclass(frozen=True, slots=True)
class StorageHistory:
    """The samples of one storage, oldest first, and its newest limit; bytes."""

    name: str
    limit: float
    samples: tuple[Sample, ...]


def keep_samples(oid: str, quotas: Sequence[Quota], *, at: datetime) -> None:
    """Save the use of an org's storages; of several at the same time the last counts."""
    with returned_connection():
        org = Org.objects.get(oid=oid)
        StorageSample.objects.bulk_create(
            [
                StorageSample(org=org, name=quota.name, at=at, used=quota.used, limit=quota.limit)
                for quota in quotas
                if quota.is_storage
            ],
            # A resumed backup saves the same samples again; the clock of an org may stand still.
            update_conflicts=True,
            unique_fields=["org", "name", "at"],
            update_fields=["used", "limit"],
        )


def storages(oid: str, *, since: datetime) -> Sequence[StorageHistory]:
    """The storages of an org since an instant, by name."""
    with returned_connection():
        rows = list(
            StorageSample.objects.filter(org__oid=oid, at__gte=since).order_by("name", "at")
        )
    samples: dict[str, list[StorageSample]] = {}
    for row in rows:
        samples.setdefault(row.name, []).append(row)
    return [
        StorageHistory(
            name, own_samples[-1].limit, tuple(Sample(row.at, row.used) for row in own_samples)
        )
        for name, own_samples in samples.items()
    ]


def all_storages(*, since: datetime) -> Mapping[str, Sequence[StorageHistory]]:
    """The storages of all orgs by oid, as ``storages`` returns those of one."""
    samples: dict[tuple[str, str], list[Sample]] = {}
    limits: dict[tuple[str, str], float] = {}
    with returned_connection():
        rows = StorageSample.objects.filter(at__gte=since).order_by("name", "at")
        values = rows.values_list("org__oid", "name", "at", "used", "limit")
        for oid, name, at, used, limit in values:
            samples.setdefault((oid, name), []).append(Sample(at, used))
            limits[oid, name] = limit
    histories: dict[str, list[StorageHistory]] = {}
    for (oid, name), known in samples.items():
        history = StorageHistory(name, limits[oid, name], tuple(known))
        histories.setdefault(oid, []).append(history)
    return histories


def store_predictions(oid: str, predictions: Iterable[PredictedBytes]) -> None:
    """Store the bytes that a run was to free; a stored prediction never changes."""
    rows = [
        FreedRow(
            oid=oid,
            run=each.run,
            storage=each.storage,
            bytes=each.bytes,
            began_at=each.began,
            at=each.at,
        )
        for each in predictions
    ]
    with returned_connection():
        FreedRow.objects.bulk_create(rows, ignore_conflicts=True)


def predictions_of(oid: str) -> Sequence[PredictedBytes]:
    """The bytes that the runs of an org were to free, oldest first."""
    with returned_connection():
        rows = list(FreedRow.objects.filter(oid=oid).order_by("at", "storage"))
    return [
        PredictedBytes(row.run, row.storage, row.bytes, row.began_at, row.at, row.undone)
        for row in rows
    ]


def note_undone(oid: str, run: str) -> None:
    """Record that records of a run are back."""
    with returned_connection():
        FreedRow.objects.filter(oid=oid, run=run).update(undone=True)

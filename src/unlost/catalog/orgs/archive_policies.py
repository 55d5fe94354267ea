"""The archive policies that orgs saved, each under a name of its org, with their schedules."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

import msgspec
from django.db.models import QuerySet

from unlost.catalog.archive_models import ArchivePolicyRow
from unlost.catalog.connection import one_transaction, returned_connection
from unlost.catalog.models import Org
from unlost.model.archive import ArchivePolicy
from unlost.model.decoders import decoder_for
from unlost.model.message import Message
from unlost.model.saved_policy import NOT_SAVED, SavedPolicy, Weekday


def saved_policies(org: str) -> Sequence[SavedPolicy]:
    """The saved policies of an org, by name."""
    with returned_connection():
        return [_value(row) for row in _rows().filter(org__name=org).order_by("name")]


def find_saved_policy(org: str, name: str) -> SavedPolicy | None:
    """The saved policy of this name, or None."""
    with returned_connection():
        row = _rows().filter(org__name=org, name=name).first()
    return _value(row) if row is not None else None


def saved_policy(number: int) -> SavedPolicy | None:
    """The saved policy with this id, or None."""
    with returned_connection():
        row = _rows().filter(pk=number).first()
    return _value(row) if row is not None else None


def scheduled_policies() -> Sequence[SavedPolicy]:
    """The policies of all orgs in use whose schedule is on."""
    with returned_connection():
        rows = _rows().filter(is_on=True, org__retired=False)
        return [_value(row) for row in rows.order_by("org__name", "name")]


class PolicyStored(StrEnum):
    """The result of storing a policy."""

    STORED = "stored"
    CHANGED = "changed"  # it was saved, switched off or removed meanwhile
    TOO_MANY = "too-many"


def store_policy(saved: SavedPolicy, *, most: int, seen: str | None = None) -> PolicyStored:
    """Store a policy; one of the same name is replaced, if its version is still ``seen``.

    ``seen``: None for any. An org has at most ``most`` policies.
    """
    with one_transaction():
        org = Org.objects.get(name=saved.org)
        # The service may switch the schedule off meanwhile.
        row = _rows().select_for_update(of=("self",)).filter(org=org, name=saved.name).first()
        if seen not in (None, _value(row).version if row is not None else NOT_SAVED):
            return PolicyStored.CHANGED
        if ArchivePolicyRow.objects.filter(org=org).exclude(name=saved.name).count() >= most:
            return PolicyStored.TOO_MANY
        ArchivePolicyRow.objects.update_or_create(
            org=org,
            name=saved.name,
            defaults={
                "policy": _plain(saved.policy),
                "by": saved.owner,
                "account": saved.account,
                "at": saved.at,
                "days": ",".join(saved.days),
                "is_on": saved.is_on,
                "on_since": saved.on_since,
                "daily_limit": saved.daily_limit,
                "previewed_at": saved.previewed,
                "previewed_by": saved.previewed_by,
                "previewer": saved.previewer,
                "large": saved.may_be_large,
                "problem": saved.problem,
            },
        )
    return PolicyStored.STORED


def drop_policy(number: int) -> None:
    """Delete a policy with its nights."""
    with returned_connection():
        ArchivePolicyRow.objects.filter(pk=number).delete()


def note_policy_preview(
    org: str, policy: ArchivePolicy, *, at: datetime, by: str, account: str
) -> None:
    """Record that a person saw the effect of a policy, if the org saved it as it is."""
    with returned_connection():
        rows = ArchivePolicyRow.objects.filter(org__name=org, name=policy.name)
        row = rows.first()
        if row is not None and _policy(row) == policy:
            columns = {"previewed_at": at, "previewed_by": by, "previewer": account}
            rows.filter(pk=row.pk, at=row.at).update(**columns)


def switch_policy_off(number: int, *, why: Message) -> None:
    """Switch a schedule off, unless a person did so."""
    with returned_connection():
        rows = ArchivePolicyRow.objects.filter(pk=number, is_on=True)
        rows.update(is_on=False, problem=why)


def note_policy_problem(number: int, problem: Message | None) -> None:
    """Record why nothing was archived, or (None) that it works again, of a schedule that is on."""
    with returned_connection():
        rows = ArchivePolicyRow.objects.filter(pk=number, is_on=True)
        rows.update(problem=problem)


def save_policies_as(old: str, new: str) -> None:
    """Copy the policies of one org (an oid) to another. Their schedules are off there."""
    with one_transaction():
        target = Org.objects.get(oid=new)
        for row in ArchivePolicyRow.objects.filter(org__oid=old):
            row.pk, row.org, row.is_on, row.on_since = None, target, False, None
            row.previewed_at, row.large, row.problem = None, False, None
            row.previewed_by = row.previewer = ""
            row.save(force_insert=True)
        ArchivePolicyRow.objects.filter(org__oid=old).update(is_on=False)


def _rows() -> QuerySet[ArchivePolicyRow]:
    return ArchivePolicyRow.objects.select_related("org")


def _plain(policy: ArchivePolicy) -> object:
    return msgspec.to_builtins(policy)


def _policy(row: ArchivePolicyRow) -> ArchivePolicy:
    return decoder_for(ArchivePolicy).convert(row.policy)


def _value(row: ArchivePolicyRow) -> SavedPolicy:
    return SavedPolicy(
        row.pk,
        row.org.name,
        row.org.oid,
        _policy(row),
        row.by,
        row.account,
        row.at,
        tuple(Weekday(day) for day in row.days.split(",") if day),
        row.is_on,
        row.on_since,
        row.daily_limit,
        row.previewed_at,
        row.large,
        row.problem,
        row.previewed_by,
        row.previewer,
    )

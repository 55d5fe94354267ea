"""The tables of saved archive policies and of the nights in which the service runs them."""

from typing import ClassVar

from django.db import models

from unlost.catalog.message_field import MessageField


class ArchivePolicyRow(models.Model):
    """An archive policy that an org saved, as documented JSON, and its schedule.

    ``by`` saved it last, and owns the schedule; ``account`` is empty for a user of the home's
    machine. ``days`` are weekdays as typed, ``previewed_at`` is when a person last previewed the
    policy as it is now: ``previewed_by``, with the account ``previewer``. ``large``: a person agreed
    that it matches most of a table.
    """

    org = models.ForeignKey(
        "catalog.Org", on_delete=models.CASCADE, related_name="archive_policies"
    )
    name = models.CharField(max_length=120)
    policy = models.JSONField()
    by = models.CharField(max_length=240)
    account = models.CharField(max_length=150, default="")
    at = models.DateTimeField()
    days = models.CharField(max_length=40, default="")
    is_on = models.BooleanField(default=False)
    on_since = models.DateTimeField(null=True)
    daily_limit = models.IntegerField()
    previewed_at = models.DateTimeField(null=True)
    previewed_by = models.CharField(max_length=240, default="")
    previewer = models.CharField(max_length=150, default="")
    large = models.BooleanField(default=False)
    problem = MessageField(null=True)

    class Meta:
        """A name is unique in its org."""

        constraints: ClassVar = [
            models.UniqueConstraint(fields=["org", "name"], name="one_archive_policy_per_name")
        ]


class ArchiveNightRow(models.Model):
    """A policy in one night: its plan and its run. The row keeps a night from planning twice."""

    policy = models.ForeignKey(ArchivePolicyRow, on_delete=models.CASCADE, related_name="nights")
    night = models.CharField(max_length=16)
    state = models.CharField(max_length=20)
    begun_at = models.DateTimeField()
    plan = models.CharField(max_length=80, default="")
    run = models.CharField(max_length=80, default="")
    tries = models.IntegerField(default=0)
    failures = models.IntegerField(default=0)
    next_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    error = MessageField(null=True)

    class Meta:
        """A policy is due once after a backup."""

        constraints: ClassVar = [
            models.UniqueConstraint(fields=["policy", "night"], name="one_row_per_archive_night")
        ]
        indexes: ClassVar = [models.Index(fields=["state"], name="archive_nights_by_state")]


class ArchivePeriodRow(models.Model):
    """The retention period of an archive run, which outlives the journal of the run.

    An erasure removes the journals that name its records, and with them the plans.
    """

    oid = models.CharField(max_length=64)
    run = models.CharField(max_length=80)
    policy = models.CharField(max_length=120)
    keep_days = models.IntegerField()

    class Meta:
        """A run has one period."""

        constraints: ClassVar = [
            models.UniqueConstraint(fields=["oid", "run"], name="one_period_per_archive")
        ]


class FreedRow(models.Model):
    """The bytes of one storage that the records of an archive run needed.

    ``began_at`` and ``at`` are on the clock of storage samples. ``undone``: its records
    have come back since.
    """

    oid = models.CharField(max_length=64)
    run = models.CharField(max_length=80)
    storage = models.CharField(max_length=80)
    bytes = models.BigIntegerField()
    began_at = models.DateTimeField()
    at = models.DateTimeField()
    undone = models.BooleanField(default=False)

    class Meta:
        """A run has one prediction for a storage."""

        constraints: ClassVar = [
            models.UniqueConstraint(fields=["oid", "run", "storage"], name="one_freed_per_run")
        ]


class SpaceEstimateRow(models.Model):
    """The storage that a policy, or the mail loops of an org, would free: no values of records.

    ``kind``: policy or loops; ``name``: of the policy. ``backup``: the number of the backup that was
    read. ``policy``: as it was then; a policy that changed is estimated again. ``lines``: the
    candidates with their bytes by storage.
    """

    org = models.ForeignKey("catalog.Org", on_delete=models.CASCADE, related_name="space_estimates")
    kind = models.CharField(max_length=20)
    name = models.CharField(max_length=120, default="")
    backup = models.BigIntegerField()
    at = models.DateTimeField()
    policy = models.JSONField(null=True)
    lines = models.JSONField(default=list)
    error = MessageField(null=True)
    whole = models.BooleanField(default=True)

    class Meta:
        """A policy has one estimate, the newest, and one for people who do not see all columns."""

        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["org", "kind", "name", "whole"], name="one_space_estimate"
            )
        ]


class RemovalRequestRow(models.Model):
    """A request to erase the archived records that were due on ``day``; an org has one at most.

    ``digest`` is the hash of the exact effect, which the second person approves. ``maker`` and
    ``approver`` are accounts, empty for a user of the home's machine.
    """

    org = models.OneToOneField(
        "catalog.Org", on_delete=models.CASCADE, related_name="removal_request"
    )
    day = models.DateField()
    digest = models.CharField(max_length=64)
    records = models.IntegerField()
    made_at = models.DateTimeField()
    made_by = models.CharField(max_length=240)
    maker = models.CharField(max_length=150, default="")
    approved_at = models.DateTimeField(null=True)
    approved_by = models.CharField(max_length=240, default="")
    approver = models.CharField(max_length=150, default="")

"""Tables with what Unlost concludes from backups: losses, mass changes, gaps, summaries."""

from typing import ClassVar

from django.db import models

from unlost.catalog.message_field import MessageField


class MassBackupRow(models.Model):
    """The mass changes of a backup, by table, column and kind; it names users by their ids."""

    org = models.ForeignKey("catalog.Org", on_delete=models.CASCADE, related_name="mass_backups")
    snapshot = models.BigIntegerField()
    before = models.BigIntegerField()
    as_of = models.DateTimeField()
    since = models.DateTimeField()
    changes = models.JSONField(default=list)

    class Meta:  # noqa: D106
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["org", "snapshot"], name="one_row_per_mass_backup")
        ]


class SilenceRow(models.Model):
    """A pattern of mass changes that is not reported immediately; see ``Silence``."""

    org = models.ForeignKey("catalog.Org", on_delete=models.CASCADE, related_name="silences")
    kind = models.CharField(max_length=20)
    table = models.CharField(max_length=120, default="")
    column = models.CharField(max_length=120, default="")
    change = models.CharField(max_length=20, default="")
    user = models.CharField(max_length=120, default="")
    most = models.BigIntegerField(default=0)
    snapshot = models.BigIntegerField(null=True)
    since = models.DateTimeField(null=True)
    until = models.DateTimeField(null=True)
    reason = models.TextField(default="")
    by = models.CharField(max_length=240, default="")


class MassLimitsRow(models.Model):
    """The thresholds of mass changes of a table; of the whole org if ``table`` is empty."""

    org = models.ForeignKey("catalog.Org", on_delete=models.CASCADE, related_name="mass_limits")
    table = models.CharField(max_length=120, default="")
    values = models.JSONField(default=dict)

    class Meta:  # noqa: D106
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["org", "table"], name="one_row_of_limits_per_table")
        ]


class LossRow(models.Model):
    """Deletions that the backup ``snapshot`` found, as one entry of the loss inbox: no values.

    ``record``: the first of the ``root_count`` roots; ``roots`` and ``records`` (by table) are
    compressed. ``more``: records that were deleted with the roots. ``after`` and ``until``: the
    times of the backups around the deletions. ``back``: roots that are live again. ``below`` and
    ``open_counts``: see ``LossGroup``.
    """

    org = models.ForeignKey("catalog.Org", on_delete=models.CASCADE, related_name="losses")
    snapshot = models.BigIntegerField()
    table = models.CharField(max_length=200)
    record = models.CharField(max_length=200)
    root_count = models.BigIntegerField()
    more = models.BigIntegerField()
    counts = models.JSONField(default=dict)
    by = models.CharField(max_length=200, default="")
    first = models.DateTimeField(null=True)
    last = models.DateTimeField(null=True)
    after = models.DateTimeField(null=True)
    until = models.DateTimeField()
    bin_until = models.DateTimeField(null=True)
    parent_table = models.CharField(max_length=200, default="")
    parent = models.CharField(max_length=200, default="")
    merged_into = models.CharField(max_length=200, default="")
    roots = models.BinaryField()
    records = models.BinaryField()
    back = models.BigIntegerField(default=0)
    below = models.BigIntegerField(default=0)
    open_counts = models.JSONField(default=dict)
    state = models.CharField(max_length=20)
    folded = models.CharField(max_length=20, default="")
    reason = models.TextField(default="")
    decided_by = models.CharField(max_length=150, default="")
    decided_at = models.DateTimeField(null=True)

    class Meta:  # noqa: D106
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["org", "snapshot", "table", "record"], name="one_row_per_loss"
            )
        ]
        indexes: ClassVar = [models.Index(fields=["org", "state"], name="losses_by_state")]


class LossMarkRow(models.Model):
    """The newest backup of an org whose losses are in the inbox, and why a newer one failed."""

    org = models.OneToOneField("catalog.Org", on_delete=models.CASCADE, related_name="loss_mark")
    snapshot = models.BigIntegerField(default=0)
    error = MessageField(null=True)


class AcceptedGapRow(models.Model):
    """A gap of a certificate that a person accepted, as it was then; ``end`` says why it ended.

    Rows are kept after the end, so that people can read who accepted what.
    """

    org = models.ForeignKey("catalog.Org", on_delete=models.CASCADE, related_name="accepted_gaps")
    kind = models.CharField(max_length=40)
    table = models.CharField(max_length=200, default="")
    column = models.CharField(max_length=200, default="")
    detail = models.TextField(default="")
    message = MessageField()
    snapshot = models.BigIntegerField()
    reason = models.TextField()
    by = models.CharField(max_length=240)
    at = models.DateTimeField()
    end = models.CharField(max_length=20, default="")
    ended_at = models.DateTimeField(null=True)
    ended_by = models.CharField(max_length=240, default="")

    class Meta:  # noqa: D106
        indexes: ClassVar = [models.Index(fields=["org", "end"], name="accepted_gaps_by_end")]


class BackupSummaryRow(models.Model):
    """The figures of a backup of all tables that pages show for many days: no data of records.

    ``certificate`` is the name of the certificate from which they were taken: a salvage replaces
    certificates. ``accepted`` of the ``gaps`` were accepted when it was taken.
    """

    org = models.ForeignKey(
        "catalog.Org", on_delete=models.CASCADE, related_name="backup_summaries"
    )
    snapshot = models.BigIntegerField()
    certificate = models.CharField(max_length=200)
    as_of = models.DateTimeField()
    finished = models.DateTimeField()
    gaps = models.BigIntegerField()
    accepted = models.BigIntegerField()
    records = models.BigIntegerField()

    class Meta:  # noqa: D106
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["org", "snapshot"], name="one_summary_per_backup")
        ]
        indexes: ClassVar = [models.Index(fields=["finished"], name="summaries_by_time")]

"""The tables of the application database. Only this package uses them."""

from typing import ClassVar

from django.contrib.auth.models import AbstractUser
from django.db import models

import unlost.catalog.archive_models
import unlost.catalog.conclusion_models  # noqa: F401 (Django finds the tables in these modules)
from unlost.catalog.message_field import MessageField


class User(AbstractUser):
    """A person who signs in, with preferences for the console; an empty one follows the browser."""

    language = models.CharField(max_length=10, blank=True, default="")
    theme = models.CharField(max_length=10, blank=True, default="")
    compact = models.BooleanField(default=False)


class Org(models.Model):
    """A protected org: its name, its identity, and the settings of its connector."""

    name = models.CharField(max_length=80, unique=True)
    oid = models.CharField(max_length=64, unique=True)
    connector = models.CharField(max_length=80)
    tenant = models.CharField(max_length=200)
    kind = models.CharField(max_length=20)
    label = models.CharField(max_length=200)
    zone = models.CharField(max_length=80)
    config = models.JSONField()
    added_at = models.DateTimeField()
    retired = models.BooleanField(default=False)

    class Meta:  # noqa: D106
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["connector", "tenant"], name="one_row_per_tenant")
        ]


class WriterRow(models.Model):
    """The write user of an org: separate settings; its secrets are in the secrets table."""

    org = models.OneToOneField(Org, on_delete=models.CASCADE, related_name="writer")
    config = models.JSONField()
    added_at = models.DateTimeField()

    class Meta:  # noqa: D106
        db_table = "catalog_writer"  # its name in homes and their copies


class Run(models.Model):
    """A durable execution for an org, and its outcome."""

    id = models.CharField(max_length=80, primary_key=True)
    org = models.ForeignKey(Org, on_delete=models.CASCADE, related_name="runs")
    kind = models.CharField(max_length=20)
    full = models.BooleanField(default=False)
    state = models.CharField(max_length=20)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    resume_at = models.DateTimeField(null=True)
    snapshot = models.BigIntegerField(null=True)
    error = MessageField(null=True)
    went_on_at = models.DateTimeField(null=True)
    moved_at = models.DateTimeField(null=True)
    wish = models.CharField(max_length=10, default="")
    tries = models.IntegerField(null=True)  # by the service; null if a person runs it
    failures = models.IntegerField(default=0)  # failed tries in a row
    hourly = models.BooleanField(default=False)
    asked_by = models.CharField(max_length=240, default="")  # PERSON or PERSON/TOKEN, for a restore
    bypass = models.CharField(max_length=250, default="")  # that may be on; see ``open_bypasses``
    bypass_error = MessageField(null=True)

    class Meta:  # noqa: D106
        indexes: ClassVar = [models.Index(fields=["org", "-started_at"], name="runs_of_an_org")]


class ScheduleRow(models.Model):
    """The backup schedule of an org.

    ``after`` names the last scheduled backup that started; times before ``since`` do not count.
    ``next_at`` is the time of the next one, null if there is none; ``hour_at`` is the next time at
    which chosen tables are read between two scheduled backups.
    """

    org = models.OneToOneField(Org, on_delete=models.CASCADE, related_name="schedule")
    values = models.JSONField()
    after = models.CharField(max_length=16, default="")
    since = models.DateTimeField()
    next_at = models.DateTimeField(null=True, db_index=True)
    hour_at = models.DateTimeField(null=True, db_index=True)


class Night(models.Model):
    """A backup that a schedule requested, over all its tries."""

    org = models.ForeignKey(Org, on_delete=models.CASCADE, related_name="nights")
    name = models.CharField(max_length=16)
    due_at = models.DateTimeField()
    begun_at = models.DateTimeField()
    state = models.CharField(max_length=20)
    tries = models.IntegerField(default=0)
    failures = models.IntegerField(default=0)
    run = models.CharField(max_length=80)
    next_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    missed = models.JSONField(default=list)
    error = MessageField(null=True)

    class Meta:  # noqa: D106
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["org", "name"], name="one_night_per_name")
        ]
        indexes: ClassVar = [models.Index(fields=["state"], name="nights_by_state")]


class VaultCheck(models.Model):
    """A verification of the vault and its findings; ``part`` of ``parts``, 0 for all of it.

    ``mirror``: it verified the mirror. ``tried``: a repair preceded it, which restored the
    ``repaired`` objects from the other copy.
    """

    at = models.DateTimeField()
    level = models.CharField(max_length=20)
    part = models.IntegerField(default=0)
    parts = models.IntegerField(default=0)
    mirror = models.BooleanField(default=False)
    objects_read = models.BigIntegerField()
    bytes_read = models.BigIntegerField()
    damages = models.JSONField(default=list)
    tried = models.BooleanField(default=False)
    repaired = models.JSONField(default=list)


class MaintenanceRow(models.Model):
    """The last maintenance of an org's part of the vault."""

    oid = models.CharField(max_length=40, primary_key=True)
    at = models.DateTimeField()
    snapshot = models.BigIntegerField(null=True)
    bytes_before = models.BigIntegerField(default=0)
    bytes_after = models.BigIntegerField(default=0)
    bytes_removed = models.BigIntegerField(default=0)
    bytes_waiting = models.BigIntegerField(default=0)
    next_at = models.DateTimeField(null=True)
    held_by = models.CharField(max_length=80, default="")
    error = MessageField(null=True)


class KeepRow(models.Model):
    """The retention rules of an org; see ``KeepRules``. Without a row all backups are kept."""

    org = models.OneToOneField(Org, on_delete=models.CASCADE, related_name="keeping")
    days = models.IntegerField(default=0)
    daily = models.IntegerField(default=0)
    weekly = models.IntegerField(default=0)
    monthly = models.IntegerField(default=0)
    yearly = models.IntegerField(default=0)
    deleted_days = models.IntegerField(default=0)
    since = models.DateTimeField()


class ApprovalPolicyRow(models.Model):
    """The restores of an org that need a second person; see ``ApprovalPolicy``. No row: none."""

    org = models.OneToOneField(Org, on_delete=models.CASCADE, related_name="approval_policy")
    records = models.BigIntegerField(null=True)
    production = models.BooleanField(default=False)
    deletes = models.BooleanField(default=False)


class BypassRow(models.Model):
    """The switch that the automation of an org checks; see ``Bypass``. No row: none."""

    org = models.OneToOneField(Org, on_delete=models.CASCADE, related_name="bypass")
    kind = models.CharField(max_length=40)
    name = models.CharField(max_length=200)


class ForgottenRow(models.Model):
    """The last forgetting by an org's retention rules."""

    oid = models.CharField(max_length=64, primary_key=True)
    at = models.DateTimeField()
    snapshot = models.BigIntegerField(null=True)
    nights = models.IntegerField(default=0)
    versions = models.BigIntegerField(default=0)
    records = models.BigIntegerField(default=0)
    bytes_waiting = models.BigIntegerField(default=0)
    next_at = models.DateTimeField(null=True)
    error = MessageField(null=True)


class AlertRow(models.Model):
    """An alert, from its opening until it is resolved."""

    key = models.CharField(max_length=300)
    rule = models.CharField(max_length=40)
    org = models.CharField(max_length=80)
    subject = models.CharField(max_length=200)
    urgency = models.CharField(max_length=10)
    level = models.IntegerField(default=0)
    message = MessageField()
    command = models.TextField()
    opened_at = models.DateTimeField()
    acknowledged_at = models.DateTimeField(null=True)
    resolved_at = models.DateTimeField(null=True)

    class Meta:  # noqa: D106
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["key"], condition=models.Q(resolved_at=None), name="one_open_alert_per_key"
            )
        ]


class ChannelRow(models.Model):
    """A destination of messages; its secret is sealed."""

    name = models.CharField(max_length=80, unique=True)
    kind = models.CharField(max_length=20)
    settings = models.JSONField()
    sealed = models.BinaryField(null=True)
    digested = models.CharField(max_length=10, default="")


class Delivery(models.Model):
    """A message of an alert that is to be sent to a channel, or was sent."""

    alert = models.ForeignKey(AlertRow, on_delete=models.CASCADE, related_name="deliveries")
    channel = models.ForeignKey(ChannelRow, on_delete=models.CASCADE, related_name="deliveries")
    told = models.CharField(max_length=10)
    made_at = models.DateTimeField()
    next_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    tries = models.IntegerField(default=0)
    error = MessageField(null=True)

    class Meta:  # noqa: D106
        indexes: ClassVar = [models.Index(fields=["next_at"], name="deliveries_by_turn")]


class HomeSettingRow(models.Model):
    """A setting of the home, such as the address of its console."""

    name = models.CharField(max_length=80, primary_key=True)
    value = models.TextField()


class StorageSample(models.Model):
    """An org's use of a storage as of a backup, in bytes."""

    org = models.ForeignKey(Org, on_delete=models.CASCADE, related_name="storage")
    name = models.CharField(max_length=80)
    at = models.DateTimeField()
    used = models.FloatField()
    limit = models.FloatField()

    class Meta:  # noqa: D106
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["org", "name", "at"], name="one_sample_per_moment")
        ]


class HomeCopy(models.Model):
    """The newest copy of this database in the vault: its number, and a hash of its settings."""

    number = models.BigIntegerField()
    settings = models.CharField(max_length=32)
    at = models.DateTimeField()


class RunItem(models.Model):
    """The progress of a table in a run."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="items")
    table = models.CharField(max_length=200)
    phase = models.CharField(max_length=20)
    rows = models.BigIntegerField(default=0)
    bytes = models.BigIntegerField(default=0)
    files = models.BigIntegerField(default=0)
    calls = models.BigIntegerField(default=0)
    done = models.BooleanField(default=False)

    class Meta:  # noqa: D106
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["run", "table"], name="one_item_per_table")
        ]


class Secret(models.Model):
    """A secret of an org, sealed; the key is not in this database."""

    org = models.ForeignKey(Org, on_delete=models.CASCADE, related_name="secrets")
    name = models.CharField(max_length=80)
    sealed = models.BinaryField()

    class Meta:  # noqa: D106
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["org", "name"], name="one_secret_per_name")
        ]


class WitnessRow(models.Model):
    """The head last seen of an org's chain; survives the org's row on purpose."""

    oid = models.CharField(max_length=64, primary_key=True)
    number = models.BigIntegerField()
    head = models.CharField(max_length=64)


class ExaminedRow(models.Model):
    """The number up to which the commits of an org were compared with the ones of this home."""

    oid = models.CharField(max_length=64, primary_key=True)
    number = models.BigIntegerField()


class OwnCommitRow(models.Model):
    """A commit that this home ordered; noted before it is made, so it may never come to exist."""

    oid = models.CharField(max_length=64)
    number = models.BigIntegerField()
    head = models.CharField(max_length=64)

    class Meta:  # noqa: D106
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["oid", "number", "head"], name="one_row_per_commit")
        ]


class OwnCheckpointRow(models.Model):
    """A checkpoint of an org that this home computed itself, by the hash of its text.

    Only the commits prove what a checkpoint says, so one of others is not used.
    """

    oid = models.CharField(max_length=64)
    number = models.BigIntegerField()
    digest = models.CharField(max_length=64)

    class Meta:  # noqa: D106
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["oid", "digest"], name="one_row_per_checkpoint")
        ]


class ForeignCommitRow(models.Model):
    """A commit that this home did not order, and the decision about what it takes away.

    ``objects_taken``: the names of the objects, compressed; ``hidden``: the numbers of the backups
    that it forgets.
    """

    oid = models.CharField(max_length=64)
    number = models.BigIntegerField()
    head = models.CharField(max_length=64)
    kind = models.CharField(max_length=20)
    run = models.CharField(max_length=80)
    objects_taken = models.BinaryField()
    hidden = models.TextField(default="")
    first_seen = models.DateTimeField()
    decision = models.CharField(max_length=20)

    class Meta:  # noqa: D106
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["oid", "number"], name="one_decision_per_commit")
        ]


class LeaseRow(models.Model):
    """The present or last holder of the lease of one kind on an org: for people to read."""

    oid = models.CharField(max_length=64)
    kind = models.CharField(max_length=20)
    run = models.CharField(max_length=80)
    process = models.BigIntegerField()
    since = models.DateTimeField()

    class Meta:  # noqa: D106
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["oid", "kind"], name="one_lease_per_kind")
        ]


class ApiBudget(models.Model):
    """Calls of an org: the source's last report, and the calls taken since."""

    oid = models.CharField(max_length=64, primary_key=True)
    used = models.BigIntegerField(default=0)
    limit = models.BigIntegerField(null=True)
    taken = models.BigIntegerField(default=0)
    reported_at = models.DateTimeField(null=True)


class ApiHour(models.Model):
    """Calls of this home to an org in one hour."""

    oid = models.CharField(max_length=64)
    hour = models.DateTimeField()
    calls = models.BigIntegerField(default=0)

    class Meta:  # noqa: D106
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["oid", "hour"], name="one_count_per_hour")
        ]


class MembershipRow(models.Model):
    """A role of a person in one org, or in all of them (no org)."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    org = models.ForeignKey(Org, on_delete=models.CASCADE, null=True, related_name="memberships")
    role = models.CharField(max_length=10)

    class Meta:  # noqa: D106
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["user", "org"],
                condition=models.Q(org__isnull=False),
                name="one_role_per_org",
            ),
            models.UniqueConstraint(
                fields=["user"], condition=models.Q(org=None), name="one_role_everywhere"
            ),
        ]


class TokenRow(models.Model):
    """An API token for programs; only a hash of its text is stored.

    It gives ``role`` in one org (or all), and never more than its owner has.
    """

    name = models.CharField(max_length=80)
    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="tokens")
    digest = models.CharField(max_length=64, unique=True)
    role = models.CharField(max_length=10)
    org = models.ForeignKey(Org, on_delete=models.CASCADE, null=True, related_name="tokens")
    made_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)


class LinkRow(models.Model):
    """A link that signs a person in once; without a user it creates the first one."""

    digest = models.CharField(max_length=64, unique=True)
    user = models.ForeignKey(User, on_delete=models.CASCADE, null=True, related_name="links")
    made_at = models.DateTimeField()
    expires_at = models.DateTimeField()


class HiddenColumnRow(models.Model):
    """A column that viewers and operators do not see."""

    org = models.ForeignKey(Org, on_delete=models.CASCADE, related_name="hidden_columns")
    table = models.CharField(max_length=200)
    column = models.CharField(max_length=200)

    class Meta:  # noqa: D106
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["org", "table", "column"], name="one_row_per_hidden_column"
            )
        ]


class SearchedColumnRow(models.Model):
    """A column that an org chose to search."""

    org = models.ForeignKey(Org, on_delete=models.CASCADE, related_name="searched_columns")
    table = models.CharField(max_length=200)
    column = models.CharField(max_length=200)

    class Meta:  # noqa: D106
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["org", "table", "column"], name="one_row_per_searched_column"
            )
        ]


class AuditRow(models.Model):
    """An action of a person. Each row proves the one before: ``digest`` is over both.

    Rows outlive the orgs and people that they name.
    """

    number = models.BigIntegerField(primary_key=True)
    at = models.DateTimeField()
    kind = models.CharField(max_length=10)
    actor = models.CharField(max_length=150)
    act = models.CharField(max_length=40)
    trace = models.CharField(max_length=10)
    org = models.CharField(max_length=80)
    subject = models.TextField()
    outcome = models.CharField(max_length=80)
    detail = models.JSONField(default=dict)
    digest = models.CharField(max_length=64)
    intent = models.BigIntegerField(null=True, default=None)

    class Meta:  # noqa: D106
        indexes: ClassVar = [
            models.Index(fields=["at"], name="audit_by_time"),
            models.Index(fields=["org", "number"], name="audit_by_org"),
            models.Index(fields=["intent"], name="audit_by_intent"),
        ]


class PlanRow(models.Model):
    """A person's choice of records to restore, and its plan when it is ready: no values of records.

    ``slot`` is the slot whose lock the planning worker holds; ``content`` is the plan's file,
    ``summary`` its overview for people, ``run`` the restore that it became. ``digest`` is the plan's
    own hash. ``maker`` and ``approver`` are accounts, empty for a user of the home's machine.
    """

    id = models.CharField(max_length=80, primary_key=True)
    org = models.ForeignKey(Org, on_delete=models.CASCADE, related_name="plans")
    content = models.BinaryField(default=b"")
    made_at = models.DateTimeField()
    made_by = models.CharField(max_length=150)
    request = models.JSONField()
    state = models.CharField(max_length=20)
    slot = models.CharField(max_length=20, default="")
    summary = models.JSONField(null=True)
    run = models.CharField(max_length=80, default="", db_index=True)
    error = MessageField(null=True)
    digest = models.CharField(max_length=64, default="", db_index=True)
    maker = models.CharField(max_length=150, default="")
    approved_by = models.CharField(max_length=240, default="")
    approver = models.CharField(max_length=150, default="")
    approved_at = models.DateTimeField(null=True)


class PreviewRow(models.Model):
    """A preview of an org that is not protected yet: request and answer, both sealed.

    ``answer`` is empty until it is done. ``slot`` is the slot whose lock the worker holds,
    ``tries`` counts its starts: a preview whose process ended starts again.
    """

    id = models.CharField(max_length=64, primary_key=True)
    asked_at = models.DateTimeField(db_index=True)
    asked = models.TextField()
    answer = models.TextField(default="")
    slot = models.CharField(max_length=20, default="")
    tries = models.IntegerField(default=0)


class SelectionRow(models.Model):
    """The records of a list that a person selected, as TABLE/ID: no values of records.

    ``of`` distinguishes the lists of an org.
    """

    org = models.ForeignKey(Org, on_delete=models.CASCADE, related_name="selections")
    by = models.CharField(max_length=150)
    of = models.CharField(max_length=500)
    at = models.DateTimeField()
    records = models.JSONField(default=list)

    class Meta:
        """One row for each list and person."""

        constraints: ClassVar = [
            models.UniqueConstraint(fields=["org", "by", "of"], name="one_selection_row_per_list")
        ]


class ListColumnsRow(models.Model):
    """The columns that a person chose for lists of a table, in order."""

    org = models.ForeignKey(Org, on_delete=models.CASCADE, related_name="list_columns")
    by = models.CharField(max_length=150)
    table = models.CharField(max_length=200)
    columns = models.JSONField(default=list)

    class Meta:
        """One row for each table and person."""

        constraints: ClassVar = [
            models.UniqueConstraint(fields=["org", "by", "table"], name="one_row_of_list_columns")
        ]


class SavedSearchRow(models.Model):
    """A search that a person saved under a name: its text and filters."""

    by = models.CharField(max_length=150)
    name = models.CharField(max_length=120)
    query = models.JSONField(default=dict)
    at = models.DateTimeField()

    class Meta:
        """A name is unique for its person."""

        constraints: ClassVar = [
            models.UniqueConstraint(fields=["by", "name"], name="one_saved_search_per_name")
        ]


class WatchRow(models.Model):
    """A set of records of an org that people watch: what it contains, and when it alerts."""

    org = models.ForeignKey(Org, on_delete=models.CASCADE, related_name="watches")
    name = models.CharField(max_length=120)
    by = models.CharField(max_length=150)
    at = models.DateTimeField()
    records = models.JSONField(default=list)
    query = models.TextField(default="")
    deletions = models.BooleanField(default=False)
    columns = models.JSONField(default=list)
    evaluated = models.PositiveBigIntegerField(default=0)  # number of the newest evaluated backup
    hits = models.JSONField(default=list)

    class Meta:
        """A name is unique in its org."""

        constraints: ClassVar = [
            models.UniqueConstraint(fields=["org", "name"], name="one_watch_per_name")
        ]


class ScrubRow(models.Model):
    """Records of an erasure, as [table, id], until this home has forgotten them, too."""

    run = models.CharField(max_length=64, primary_key=True)
    oid = models.CharField(max_length=64, db_index=True)
    at = models.DateTimeField()
    records = models.JSONField(default=list)


class MirrorRow(models.Model):
    """The state of the vault's mirror, as of the last attempt to update it; one row."""

    address = models.CharField(max_length=1000)
    begun_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True)
    wanted = models.BooleanField(default=False)
    objects_written = models.BigIntegerField(default=0)
    bytes_written = models.BigIntegerField(default=0)
    objects_removed = models.BigIntegerField(default=0)
    damaged = models.JSONField(default=list)
    strange = models.JSONField(default=list)
    broken = models.JSONField(default=list)
    error = MessageField(null=True)

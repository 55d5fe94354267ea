"""Keep rules of an org: show them, set them."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from enum import StrEnum

from unlost.app.access import action
from unlost.app.compose import Application
from unlost.app.vault.home_copy import after_change
from unlost.catalog.orgs.orgs import ProtectedOrg, get_org
from unlost.catalog.vault.keeping import (
    NUMBERS,
    StoredRules,
    all_rules,
    check_rules,
    last_forgotten,
    rules_of,
    set_rules,
)
from unlost.model.access import Right, Trace
from unlost.model.errors import UsageError
from unlost.model.source.reading import Json
from unlost.model.vault.retention import PRESETS, ForgottenRecord, KeepPreset, KeepRules

FEW = 7  # nightly backups: fewer may not reach back to a loss a week ago


class RuleWarning(StrEnum):
    """A warning about keep rules."""

    FEW_NIGHTS = "few-nights"  # fewer than ``FEW`` nightly backups may stay
    NO_EFFECT = "no-effect"  # the limit for deleted records counts only if backups are forgotten


@dataclass(frozen=True, slots=True)
class OrgRetention:
    """The keep rules of an org. ``since``: when they were set, None for the default.

    ``last``: the newest forgetting, None if there was none.
    """

    org: str
    zone: str
    rules: KeepRules
    since: datetime | None
    remarks: tuple[RuleWarning, ...]
    last: ForgottenRecord | None


@dataclass(frozen=True, slots=True)
class RetentionPolicies:
    """The keep rules by org."""

    orgs: tuple[OrgRetention, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionChange:
    """A change of keep rules; None leaves a number unchanged, 0 switches a rule off.

    ``everything``: remove all rules. ``preset``: take its rules for backups; numbers that are given
    too replace numbers of the preset. Numbers are of days, weeks, months and years.
    """

    days: int | None = None
    daily: int | None = None
    weekly: int | None = None
    monthly: int | None = None
    yearly: int | None = None
    deleted_days: int | None = None
    everything: bool = False
    preset: KeepPreset | None = None


def _noted(retention: OrgRetention) -> dict[str, Json]:
    return dict(asdict(retention.rules))


@action("keep.show", Right.LOOK)
def show(app: Application, org: str | None = None) -> RetentionPolicies:
    """Show the keep rules of one org, or of all; raises NotFound for an unknown org."""
    orgs: Sequence[ProtectedOrg] = [get_org(org)] if org is not None else app.orgs()
    rules, none = all_rules(), StoredRules(KeepRules(), None)
    return RetentionPolicies(
        tuple(_retention_of(org_row, rules.get(org_row.oid, none)) for org_row in orgs)
    )


@action("keep.set", Right.MANAGE, trace=Trace.WRITE, detail=_noted)
def change(app: Application, org: str, retention_change: RetentionChange) -> OrgRetention:
    """Change an org's keep rules; nothing is forgotten yet.

    Raises UsageError (``keep-invalid``, ``keep-contradictory``), NotFound.
    """
    known = get_org(org)
    rules = changed_rules(rules_of(known.oid).rules, retention_change)
    set_rules(known.oid, rules, at=app.clock.now())
    after_change(app)
    return _retention_of(known, rules_of(known.oid))


def changed_rules(rules: KeepRules, retention_change: RetentionChange) -> KeepRules:
    """Return the rules with this change; raises UsageError."""
    numbers = {
        name: getattr(retention_change, name)
        for name in NUMBERS
        if getattr(retention_change, name) is not None
    }
    if retention_change.everything:
        _check_alone(retention_change, numbers)
        return KeepRules()
    if retention_change.preset is not None:
        rules = PRESETS[retention_change.preset].limited_as(rules)
    keep_rules = replace(rules, **numbers)
    check_rules(keep_rules)
    return keep_rules


def _check_alone(retention_change: RetentionChange, numbers: Mapping[str, int]) -> None:
    """Raise UsageError if rules are given beside the wish to keep everything."""
    if any(numbers.values()) or retention_change.preset is not None:
        raise UsageError(
            "keep-contradictory",
            "--everything cannot be combined with a preset or a number of backups to keep.",
            next_step="Use either --everything, or a preset and numbers.",
        )


def remarks(rules: KeepRules) -> tuple[RuleWarning, ...]:
    """Return warnings about rules."""
    most = rules.days + rules.daily + rules.weekly + rules.monthly + rules.yearly
    warnings = []
    if rules.thins and most < FEW:
        warnings.append(RuleWarning.FEW_NIGHTS)
    if rules.deleted_days and not rules.thins:
        warnings.append(RuleWarning.NO_EFFECT)
    return tuple(warnings)


def _retention_of(org: ProtectedOrg, rules: StoredRules) -> OrgRetention:
    return OrgRetention(
        org.name,
        org.identity.zone,
        rules.rules,
        rules.since,
        remarks(rules.rules),
        last_forgotten(org.oid),
    )

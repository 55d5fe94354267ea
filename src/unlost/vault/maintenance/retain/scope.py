"""Scope of a forgetting: rules and legal holds, applied to each table of an org."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
import pyarrow as pa

from unlost.model.decoders import decoder_for
from unlost.model.errors import UnlostError
from unlost.model.vault.certificate import Certificate, Verdict
from unlost.model.vault.retention import Hold, HoldScope, KeepRules
from unlost.model.vault.snapshot import SnapshotInfo
from unlost.vault.commits.state import LiveState, shown_backups
from unlost.vault.format.physical import FILES, is_system
from unlost.vault.format.sealed import ObjectKind
from unlost.vault.maintenance.retain.holds import holds_in
from unlost.vault.maintenance.retain.nights import kept_nights
from unlost.vault.maintenance.retain.surviving import TableRetention
from unlost.vault.read.org_vault import OrgVault


@dataclass(frozen=True, slots=True)
class RetentionScope:
    """Backups that stay and go, and the rules for data that these do not decide."""

    state: LiveState
    staying: tuple[int, ...]
    going: tuple[int, ...]
    rules: KeepRules
    holds: tuple[Hold, ...]
    now: datetime

    def of_table(self, table: str) -> TableRetention:
        """Return what stays of a table."""
        # The rules do not apply to the vault's own tables: holds and suppressed ids stay.
        if is_system(table) and table != FILES:
            return TableRetention()
        if self._all_held(table) or not (self.rules.thins and self.staying):
            return TableRetention()
        if table == FILES:
            return TableRetention(kept_numbers=self.staying, held_beginnings=self._held_files())
        limit = self.rules.deleted_days
        return TableRetention(
            kept_numbers=self.staying,
            deleted_before=self.now - timedelta(days=limit) if limit else None,
            held_until=max(_held_nights(self.holds), default=0),
            held_ids=pa.array(sorted(self._held_records(table)), pa.string()),
        )

    def _all_held(self, table: str) -> bool:
        return any(hold.thing.covers(table) for hold in self.holds)

    def _held_records(self, table: str) -> set[str]:
        return {
            hold.thing.record
            for hold in self.holds
            if hold.thing.scope is HoldScope.RECORD and hold.thing.table == table
        }

    def _held_files(self) -> tuple[str, ...]:
        """Return the beginnings of row ids for files of tables and records under legal hold."""
        return tuple(
            _beginning(hold)
            for hold in self.holds
            if hold.thing.scope in (HoldScope.TABLE, HoldScope.RECORD)
        )


def _beginning(hold: Hold) -> str:
    parts = [hold.thing.table] + ([hold.thing.record] if hold.thing.record else [])
    return msgspec.json.encode(["file", *parts]).decode().removesuffix("]") + ","


def scope_of(org_vault: OrgVault, state: LiveState, rules: KeepRules) -> RetentionScope:
    """Compute what these rules keep of an org as of a commit."""
    now = org_vault.clock.now()
    holds = tuple(hold for hold in holds_in(org_vault, state) if hold.lasts(now))
    backups = shown_backups(state)
    kept_numbers = (
        _staying_numbers(org_vault, state, backups, rules, holds, now) if backups else frozenset()
    )
    return RetentionScope(
        state=state,
        staying=tuple(sorted(kept_numbers)),
        going=tuple(info.number for info in backups if info.number not in kept_numbers),
        rules=rules,
        holds=holds,
        now=now,
    )


def _staying_numbers(
    org_vault: OrgVault,
    state: LiveState,
    backups: Sequence[SnapshotInfo],
    rules: KeepRules,
    holds: Collection[Hold],
    now: datetime,
) -> frozenset[int]:
    if any(hold.thing.scope is HoldScope.ORG for hold in holds):
        return frozenset(info.number for info in backups)
    zone = ZoneInfo(org_vault.chain.manifest(state.seq)[0].identity.zone)
    return kept_nights(
        backups,
        rules,
        zone=zone,
        now=now,
        pinned=_held_nights(holds),
        good=lambda info: _is_good(org_vault, info),
    )


def _held_nights(holds: Collection[Hold]) -> set[int]:
    return {hold.thing.backup for hold in holds if hold.thing.scope is HoldScope.NIGHT}


def _is_good(org_vault: OrgVault, info: SnapshotInfo) -> bool:
    """Return true if the certificate of a backup reports no gap."""
    if info.certificate is None:
        return False
    try:
        content = org_vault.sealed.get(
            ObjectKind.CERTIFICATE, org=org_vault.org, name=info.certificate
        )
    # A backup whose certificate cannot be read is not known to be good.
    except UnlostError:
        return False
    return decoder_for(Certificate).decode(content).verdict is Verdict.COMPLETE

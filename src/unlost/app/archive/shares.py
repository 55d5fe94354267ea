"""The tables of which a policy archives more than half."""

from unlost.app.backups.moments import newest_backup
from unlost.app.compose import Application
from unlost.catalog.orgs.orgs import ProtectedOrg
from unlost.engine.archive.preview import preview
from unlost.engine.archive.selected import SelectedShare, large_shares, selected_share
from unlost.engine.restore.values.on_hold import holds_of
from unlost.model.archive import ArchivePolicy


def large_share_of(
    app: Application, org: ProtectedOrg, policy: ArchivePolicy
) -> SelectedShare | None:
    """Return the first table of which the policy archives more than half; None if there is none.

    Reads the newest backup. Raises UsageError (``archive-…``) for a policy that cannot be used.
    """
    backup, now = newest_backup(app.whole_vault, org), app.clock.now()
    share = selected_share(backup, policy, now=now)
    if share.is_large:
        return share
    connector, schema = app.connector(org.identity.connector), backup.schema()
    shown = preview(
        backup,
        policy,
        {},
        shared=connector.shared_files(schema),
        holds=holds_of(app.whole_vault, org.oid),
        facts=connector.archive_facts(schema),
        now=now,
    )
    return next(large_shares(backup, {line.table: line.records for line in shown.tables}), None)

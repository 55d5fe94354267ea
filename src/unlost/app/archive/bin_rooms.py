"""The room in an org's recycle bin for the records of a policy, as of the newest commit."""

from unlost.app.backups.moments import newest_backup
from unlost.app.compose import Application
from unlost.app.restores.org_storage import storage_limits_of
from unlost.catalog.orgs.orgs import ProtectedOrg
from unlost.engine.archive.recycle_bin import bin_room
from unlost.engine.restore.journal.archives import uncommitted
from unlost.model.archive import ArchivePolicy


def free_in_bin(app: Application, org: ProtectedOrg, policy: ArchivePolicy) -> int | None:
    """Return the records that a policy may move into the bin without pushing others' out.

    None without a limit: the policy skips the bin, or its capacity is unknown.
    """
    vault, connector = app.whole_vault, app.connector(org.identity.connector)
    rule = connector.archive_facts(newest_backup(vault, org).schema()).bin
    limit = storage_limits_of(app, org).get(rule.storage, 0.0) if rule is not None else 0.0
    if rule is None or not limit or policy.hard_delete:
        return None
    commits = vault.commits(org.oid)
    newest = vault.at(org.oid, commits[-1].number, forgotten=True)
    others = uncommitted(vault, org.oid)
    room = bin_room(newest, rule, limit=limit, leaving=(), commits=commits, uncommitted=others)
    return room.free

"""The preview of an archive policy in a backup, with the rules of the org's connector."""

from unlost.app.compose import Application
from unlost.catalog.orgs.orgs import ProtectedOrg
from unlost.engine.archive.preview import preview
from unlost.engine.restore.values.on_hold import holds_of
from unlost.model.archive import ArchivePolicy, ArchivePreview
from unlost.model.ports.vault import Snapshot


def preview_of(
    app: Application, org: ProtectedOrg, head: Snapshot, policy: ArchivePolicy
) -> ArchivePreview:
    """Return the preview of a policy in a backup, which does not count as seen by a person."""
    connector, schema = app.connector(org.identity.connector), head.schema()
    return preview(
        head,
        policy,
        connector.storage_rules(schema),
        shared=connector.shared_files(schema),
        holds=holds_of(app.whole_vault, org.oid),
        facts=connector.archive_facts(schema),
        now=app.clock.now(),
    )

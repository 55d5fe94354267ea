"""Policies that free the old versions of files: a new file takes the place of each old one.

    old file: versions 1 2 3, links to a case and an account ──▶ deleted, once its place is taken
    new file: version 3 alone, the same links                ──▶ the old versions no longer use storage

The org cannot delete a version alone. See docs/adr/0058.
"""

from collections.abc import Sequence

import polars as pl

from unlost.engine.archive.members import ID
from unlost.engine.storage.chunks import in_chunks
from unlost.engine.storage.mails import frame
from unlost.engine.storage.versions import BYTES, FILE, old_by_file
from unlost.model.archive import OLD_VERSIONS_SIZE, ArchivePolicy, Condition
from unlost.model.errors import UsageError
from unlost.model.ports.vault import Snapshot
from unlost.model.source.schema import Column, Table, WireKind
from unlost.model.source.shared_files import CopiedVersions, SharedFile
from unlost.model.storage import FileVersionRule

SIZES = Table("Files", (Column(OLD_VERSIONS_SIZE, WireKind.DECIMAL),))


def of_columns(policy: ArchivePolicy) -> tuple[Condition, ...]:
    """The conditions on columns of the policy's table."""
    if not policy.frees_versions:
        return policy.conditions
    return tuple(test for test in policy.conditions if test.column != OLD_VERSIONS_SIZE)


def of_sizes(policy: ArchivePolicy) -> tuple[Condition, ...]:
    """The conditions on the bytes of all old versions of a file."""
    columns = of_columns(policy)
    return tuple(test for test in policy.conditions if test not in columns)


def check_alone(policy: ArchivePolicy) -> None:
    """Refuse options that make no sense for files that stay as new ones.

    Raises UsageError (``archive-old-versions``).
    """
    if not policy.frees_versions:
        return
    refused = {
        "branches": policy.branches,
        "pointer": policy.pointer is not None,
        "keep_days": policy.keep_days,
        "unreferenced": policy.unreferenced,
    }
    for name, is_set in refused.items():
        if is_set:
            raise UsageError(
                "archive-old-versions",
                "A policy that frees old versions of files cannot have {name}.",
                next_step="Remove it from the policy, or set `old_versions` to `leave`.",
                name=name,
            )


def freed_kind(policy: ArchivePolicy, shared: Sequence[SharedFile]) -> SharedFile | None:
    """The kind of files whose old versions a policy frees; None if it frees none.

    Raises UsageError (``archive-old-versions-table``).
    """
    if not policy.frees_versions:
        return None
    for kind in shared:
        if kind.table == policy.table and kind.versions is not None:
            return kind
    raise UsageError(
        "archive-old-versions-table",
        "{table} has no old versions of files that could be freed.",
        next_step="Use a policy for files, such as old-file-versions.",
        table=policy.table,
    )


def files_with_old_versions(snapshot: Snapshot, versions: CopiedVersions) -> pl.DataFrame:
    """The files with old versions: ``id``, and their bytes as a text, as other columns have them."""
    files = old_by_file(snapshot, versions.rule)
    size = pl.col(BYTES).cast(pl.String).alias(OLD_VERSIONS_SIZE)
    return files.select(pl.col(FILE).alias(ID), size)


def newest_versions(snapshot: Snapshot, rule: FileVersionRule) -> pl.DataFrame:
    """The ids of the newest version of each file: ``id``."""
    parts = [
        frame(rows).filter(pl.col(rule.latest_column) == "true").select(pl.col("_u_id").alias(ID))
        for rows in in_chunks(snapshot.read(rule.table, ["_u_id", rule.latest_column]))
    ]
    return pl.concat([pl.DataFrame(schema={ID: pl.String}), *parts])

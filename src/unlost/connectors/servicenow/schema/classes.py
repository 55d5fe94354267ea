"""Classes of records that no table of the dictionary reads.

A record is read in the table of its class. So one whose class the dictionary does not describe, or
that has none, would be missed: the root tables are asked for the numbers of their records by class.
A table that is alone in its hierarchy is read whole. That a plug-in that was removed in part, or an
import, can leave such records is an inference.
"""

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

from unlost.connectors.servicenow.access.config import ServiceNowConfig
from unlost.connectors.servicenow.http.api import PARALLEL, ServiceNowApi
from unlost.connectors.servicenow.http.walk import ID
from unlost.connectors.servicenow.schema.dictionary import DictionaryTable
from unlost.connectors.servicenow.schema.tables import CLASS, has_classes
from unlost.kit.exclusions import excluded_by_settings
from unlost.model.errors import IntegrityError, SourceRefused, TransientError
from unlost.model.finding import Finding, FindingKind, Severity
from unlost.model.message import Noun, counted


def unread_classes(
    api: ServiceNowApi,
    config: ServiceNowConfig,
    read: Iterable[DictionaryTable],
    *,
    described: Mapping[str, DictionaryTable],
) -> Iterator[Finding]:
    """Gaps of the classes with records that no table reads, in the hierarchies of the tables ``read``.

    ``described``: all tables of the dictionary by name.
    """
    roots = sorted({root for table in read if (root := _root(table, described))})
    with ThreadPoolExecutor(PARALLEL) as threads:
        answers = list(threads.map(lambda root: _counts(api, root), roots))
    for root, counts in zip(roots, answers, strict=True):
        if counts is None:
            yield _uncounted(root)
        for name, count in sorted((counts or {}).items()):
            chosen = not excluded_by_settings(name, include=config.include, exclude=config.exclude)
            if count and chosen and not _reads(described.get(name), root):
                yield _unread(root, name, count)


def _root(table: DictionaryTable, described: Mapping[str, DictionaryTable]) -> str:
    """The highest ancestor whose rows have a class; empty for a table without classes."""
    with_class = (
        name
        for name in reversed(table.lineage)
        if name in described and has_classes(described[name])
    )
    return next(with_class, "")


def _reads(table: DictionaryTable | None, root: str) -> bool:
    return table is not None and root in table.lineage and ID in table.columns


def _counts(api: ServiceNowApi, root: str) -> dict[str, int] | None:
    try:
        return api.count_by(root, CLASS)
    except (SourceRefused, IntegrityError, TransientError):
        return None


def _unread(root: str, name: str, count: int) -> Finding:
    return Finding.of(
        FindingKind.ROWS_MISSING,
        Severity.GAP,
        "The dictionary does not describe the class {class_name} of {records} of {root}, so they are "
        "not backed up.",
        "Give the records a class that exists, or repair the dictionary.",
        table=root,
        detail=name,
        records=counted(count, Noun.RECORD),
        root=root,
        class_name=name or "(none)",
    )


def _uncounted(root: str) -> Finding:
    return Finding.of(
        FindingKind.ROWS_MISSING,
        Severity.GAP,
        "ServiceNow does not count the records of {root} by class, so records of unknown classes "
        "may be missing.",
        "Give the backup user access to the Aggregate API, and the roles of the query ACLs of "
        "sys_class_name.",
        table=root,
        root=root,
    )

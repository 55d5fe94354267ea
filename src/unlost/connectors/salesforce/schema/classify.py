"""Decide which objects of an org are tables to back up, and explain why the others are not.
Pure.
"""

from collections.abc import Mapping
from typing import Any

from unlost.connectors.salesforce.access.config import SalesforceConfig
from unlost.connectors.salesforce.schema.special import METADATA_VIEWS, VIRTUAL, is_event
from unlost.kit.exclusions import excluded_by_settings
from unlost.model.finding import Finding, FindingKind, Severity

BIG = "__b"


def why_excluded(entry: Mapping[str, Any], config: SalesforceConfig) -> Finding | None:
    """The reason why an object of the global describe is not backed up; None if it is."""
    name = str(entry["name"])
    reason = _no_data(entry, name)
    if reason is not None:
        return Finding.of(
            FindingKind.TABLE_NOT_DATA,
            Severity.NOTE,
            "{label} is {reason}.",
            table=name,
            label=_label(entry),
            reason=reason,
        )
    excluded = excluded_by_settings(
        name, include=config.include, exclude=config.exclude, label=_label(entry)
    )
    if excluded is None and name.endswith(BIG):
        return _big_object(entry, name)
    return excluded


def _label(entry: Mapping[str, Any]) -> str:
    label, name = str(entry.get("label") or ""), str(entry["name"])
    return f"{label} ({name})" if label not in {"", name} else name


def _big_object(entry: Mapping[str, Any], name: str) -> Finding:
    """Big objects hold data that no query can list completely.

    Big objects guide, SOQL with big objects: conditions only on the index, from its first column
    on, by known values; no counting; the Id of every record is the empty key. Describes do not show
    the index either, so its columns cannot serve as an id.
    """
    return Finding.of(
        FindingKind.TABLE_REFUSED,
        Severity.GAP,
        "{label} is a big object and is not protected: Salesforce returns its records only for "
        "known values of its index, and without ids.",
        "Keep the source of its data, or copy important data into a custom object, which is "
        "backed up.",
        table=name,
        label=_label(entry),
    )


def _no_data(entry: Mapping[str, Any], name: str) -> str | None:
    if is_event(name):
        return "a stream of events, not stored as records"
    if name.endswith("__x"):
        return "stored in another system; Salesforce only displays it"
    if name in METADATA_VIEWS:
        return "a view of the org's configuration, not a table"
    if name in VIRTUAL or name.endswith("__Feed") or _is_feed_view(name):
        return "a view of records that are backed up under their own names"
    if not entry.get("queryable"):
        return "not queryable: Salesforce computes it when it is displayed"
    return None


def _is_feed_view(name: str) -> bool:
    """True for AccountFeed and similar views, which show FeedItem by parent."""
    return name.endswith("Feed") and name != "Feed"

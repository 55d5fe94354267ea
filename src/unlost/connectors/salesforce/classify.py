"""Decide which objects of an org are tables to back up, and explain why the others are not.
Pure.
"""

from collections.abc import Mapping
from typing import Any

from unlost.connectors.salesforce.config import SalesforceConfig
from unlost.connectors.salesforce.special import METADATA_VIEWS, VIRTUAL, is_event
from unlost.model.finding import Finding, FindingKind, Severity

BIG = "__b"


def why_excluded(entry: Mapping[str, Any], config: SalesforceConfig) -> Finding | None:
    """The reason why an object of the global describe is not backed up; None if it is."""
    name = str(entry["name"])
    reason = _no_data(entry, name)
    if reason is not None:
        sentence = f"{_label(entry)} is {reason}."
        return Finding.of(FindingKind.TABLE_NOT_DATA, Severity.NOTE, sentence, table=name)
    if not _chosen(name, config):
        return _excluded(entry, name, config)
    return _big_object(entry, name) if name.endswith(BIG) else None


def _excluded(entry: Mapping[str, Any], name: str, config: SalesforceConfig) -> Finding:
    repair = (
        "Take it out of the list of tables that are left out, to protect it."
        if name in config.exclude
        else "Put it on the list of tables that are backed up, to protect it."
    )
    return Finding.of(
        FindingKind.TABLE_EXCLUDED,
        Severity.GAP,
        "{label} is left out by the org's settings.",
        repair,
        table=name,
        label=_label(entry),
    )


def _chosen(name: str, config: SalesforceConfig) -> bool:
    if name in config.exclude:
        return False
    return not config.include or name in config.include


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
        "{label} is a big object and is not protected: Salesforce gives its records only "
        "for values of its index that one knows already, and no ids for them.",
        "Keep what fills it, or copy what matters into a custom object: that is backed up.",
        table=name,
        label=_label(entry),
    )


def _no_data(entry: Mapping[str, Any], name: str) -> str | None:
    if is_event(name):
        return "a stream of events, not kept as records"
    if name.endswith("__x"):
        return "kept in another system; Salesforce only shows it"
    if name in METADATA_VIEWS:
        return "a question about the org's set-up, not a table"
    if name in VIRTUAL or name.endswith("__Feed") or _is_feed_view(name):
        return "a view of records that are backed up under their own names"
    if not entry.get("queryable"):
        return "not queryable: Salesforce computes it when it is shown"
    return None


def _is_feed_view(name: str) -> bool:
    """True for AccountFeed and similar views, which show FeedItem by parent."""
    return name.endswith("Feed") and name != "Feed"

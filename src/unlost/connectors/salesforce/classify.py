"""Which of an org's objects are tables to be backed up, and why the others are not. Pure."""

from collections.abc import Mapping
from typing import Any

from unlost.connectors.salesforce.config import SalesforceConfig
from unlost.connectors.salesforce.special import METADATA_VIEWS, VIRTUAL, is_event
from unlost.model.finding import Finding, FindingKind, Severity


def left_out(entry: Mapping[str, Any], config: SalesforceConfig) -> Finding | None:
    """Why an object of the global describe is no table to read; None if it is one."""
    name = str(entry["name"])
    if not _chosen(name, config):
        return Finding(
            FindingKind.TABLE_EXCLUDED,
            Severity.GAP,
            f"{_label(entry)} is left out by the org's settings.",
            "Take it out of the list of excluded tables to protect it.",
            table=name,
        )
    reason = _no_data(entry, name)
    if reason is None:
        return None
    sentence = f"{_label(entry)} is {reason}."
    return Finding(FindingKind.TABLE_NOT_DATA, Severity.NOTE, sentence, table=name)


def _chosen(name: str, config: SalesforceConfig) -> bool:
    if name in config.exclude:
        return False
    return not config.include or name in config.include


def _label(entry: Mapping[str, Any]) -> str:
    return f"{entry.get('label') or entry['name']} ({entry['name']})"


def _no_data(entry: Mapping[str, Any], name: str) -> str | None:
    if is_event(name):
        return "a stream of events, not kept as records"
    if name.endswith("__x"):
        return "kept in another system; Salesforce only shows it"
    if name.endswith("__b"):
        return "a big object, which can only be read along its index; it is not read yet"
    if name in METADATA_VIEWS:
        return "a question about the org's set-up, not a table"
    if name in VIRTUAL or name.endswith("__Feed") or _is_feed_view(name):
        return "a view of records that are backed up under their own names"
    if not entry.get("queryable"):
        return "not queryable: Salesforce computes it when it is shown"
    return None


def _is_feed_view(name: str) -> bool:
    """AccountFeed and its like show FeedItem by parent."""
    return name.endswith("Feed") and name != "Feed"

"""The operation ``merge`` in envelopes: requests read, results written.

Sources: partner WSDL (MergeRequest, MergeResult), SOAP guide (merge). The service reads the requests
by their place: clients call their element ``request``, ``mergeRequest`` or ``mergeRequests``.
"""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

from unlost_simulators.salesforce.soap import envelope
from unlost_simulators.salesforce.soap.envelope import INSTANCE, NoEnvelope
from unlost_simulators.salesforce.writing.merges.merging import MergeRequest, MergeResult

OPERATION = "merge"


def read(call: ET.Element) -> tuple[MergeRequest, ...]:
    """Read the merges of a call; raises ``NoEnvelope`` for a request without its master."""
    return tuple(map(_request, call))


def _request(element: ET.Element) -> MergeRequest:
    masters = [each for each in element if envelope.local(each.tag) == "masterRecord"]
    if len(masters) != 1:
        raise NoEnvelope("Required element missing: masterRecord")
    return _with_master(
        masters[0],
        tuple(_text(each) or "" for each in element if _is(each, "recordToMergeIds")),
    )


def _with_master(master: ET.Element, losers: tuple[str, ...]) -> MergeRequest:
    key, kind = "", master.get(f"{{{INSTANCE}}}type", "").rpartition(":")[2]
    values: dict[str, str | None] = {}
    for each in master:
        name = envelope.local(each.tag)
        if name == "type":
            kind = _text(each) or kind
        elif name.lower() == "id":
            key = _text(each) or ""
        elif name == "fieldsToNull":
            values[_text(each) or ""] = None
        else:
            values[name] = _text(each)
    return MergeRequest("" if kind.lower() == "sobject" else kind, key, losers, values)


def _is(element: ET.Element, name: str) -> bool:
    return envelope.local(element.tag) == name


def _text(element: ET.Element) -> str | None:
    nil = element.get(f"{{{INSTANCE}}}nil") in ("true", "1")
    return None if nil else (element.text or "").strip()


def results(merged: Sequence[MergeResult]) -> str:
    """The results as the body of an answer has them."""
    return "".join(map(_result, merged))


def _result(merged: MergeResult) -> str:
    errors = "".join(map(envelope.error, merged.errors))
    moved = _ids("updatedRelatedIds", merged.moved)
    return (
        f"<result>{errors}<id>{escape(merged.id)}</id>{_ids('mergedRecordIds', merged.merged)}"
        f"<success>{str(merged.success).lower()}</success>{moved}</result>"
    )


def _ids(name: str, keys: Sequence[str]) -> str:
    return "".join(f"<{name}>{key}</{name}>" for key in keys)

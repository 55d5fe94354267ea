"""The little of the Tooling API that clients ask for before they read data.

Queries are answered by the org itself, which keeps ``EntityDefinition`` and ``FieldDefinition`` as
virtual objects; ``SourceMember`` is described as an object without rows. Automation is answered from
the planted rules.
"""

from __future__ import annotations

import re
from dataclasses import replace

from unlost_simulators.kit.http.calls import Answer, json_answer
from unlost_simulators.salesforce.http.context import Context
from unlost_simulators.salesforce.http.reading import queries
from unlost_simulators.salesforce.http.reading.automation import TOOLING, listing
from unlost_simulators.salesforce.model.errors import not_found

SOURCE_MEMBER_FIELDS = ("Id", "MemberType", "MemberName", "RevisionCounter", "IsNameObsolete")
# Here the durable id of an entity is its API name, so both paths of the filter mean one column.
_ENTITY = re.compile(r"\bEntityDefinition\.(?:QualifiedApiName|DurableId)\b", re.IGNORECASE)


def query(context: Context) -> Answer:
    """Answer ``GET tooling/query?q=``."""
    automation = listing(context, TOOLING)
    if automation is not None:
        return automation
    call = context.call
    if "q" in call.query:
        soql = _ENTITY.sub("EntityDefinitionId", call.query["q"])
        call = replace(call, query={**call.query, "q": soql})
    answer = queries.query(replace(context, call=call))
    answer.document = {"size": answer.document["totalSize"], **answer.document}
    return answer


def describe(context: Context) -> Answer:
    """Answer ``GET tooling/sobjects/SourceMember/describe``."""
    if context.params["object"].lower() != "sourcemember":
        raise not_found()
    fields = [{"name": name, "type": "string"} for name in SOURCE_MEMBER_FIELDS]
    return json_answer({"name": "SourceMember", "queryable": True, "fields": fields})

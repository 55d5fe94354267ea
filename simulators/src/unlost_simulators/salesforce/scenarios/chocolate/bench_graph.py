"""An org for measuring loaders: objects that refer to one another in every way, and no rows.

Accounts, contacts and cases are three levels and each refers to itself; a recipe and a cocoa batch
refer to each other; a recipe ingredient joins two objects; files hang on records. Every object
except files has ``Key__c``, by which a third-party tool can identify records.
"""

from __future__ import annotations

from dataclasses import replace

from unlost_simulators.salesforce.model.schema import ObjectDef
from unlost_simulators.salesforce.scenarios.chocolate.bench import SETUP, declared
from unlost_simulators.salesforce.scenarios.chocolate.declared.fields import text
from unlost_simulators.salesforce.scenarios.chocolate.objects import BY_NAME
from unlost_simulators.salesforce.scenarios.chocolate.scenario import ChocolateScenario
from unlost_simulators.salesforce.scenarios.chocolate.sizes import ChocolateSizes

KEY = "Key__c"
KEYED = (
    "Account", "Contact", "Case", "Ingredient__c", "Recipe__c", "Cocoa_Batch__c",
    "Recipe_Ingredient__c",
)  # fmt: skip
FILES = ("ContentDocument", "ContentVersion", "ContentDocumentLink")


def _keyed(name: str) -> ObjectDef:
    of = BY_NAME[name]
    key = text(KEY, 40, external_id=True, label="Key")
    return replace(of, fields=(*of.fields, key), tracked=())


def bench_graph() -> ChocolateScenario:
    """The objects and the set-up rows; a scale means nothing, for there are no rows to scale."""
    return ChocolateScenario(
        name="bench-graph",
        sizes=lambda _scale: ChocolateSizes.only({}),
        declared=declared(*map(_keyed, KEYED), *(BY_NAME[name] for name in FILES)),
        sources=(),
        fixed_objects=frozenset(SETUP),
    )

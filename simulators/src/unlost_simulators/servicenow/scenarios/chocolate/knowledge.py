"""Knowledge, the catalogue with its variables, and attachments of incidents."""

from __future__ import annotations

import hashlib

import numpy as np
import pyarrow as pa

from unlost_simulators.company import operations
from unlost_simulators.company.columns import chosen, digits, joined
from unlost_simulators.company.draws import Numbers, Rows
from unlost_simulators.company.it import HEAD_OF_IT
from unlost_simulators.company.tickets import INCIDENTS, ITEMS
from unlost_simulators.company.world import FIRST_GENERATED, runs
from unlost_simulators.kit.blobs import BlobRecipe
from unlost_simulators.kit.contents import KINDS
from unlost_simulators.servicenow.model import ids
from unlost_simulators.servicenow.model.platform import ATTACHMENT
from unlost_simulators.servicenow.scenarios.chocolate.people import (
    Company_,
    Tables,
    instant_column,
)
from unlost_simulators.servicenow.scenarios.chocolate.tickets import VARIABLES
from unlost_simulators.servicenow.scenarios.chocolate.world import (
    INTEGRATION,
    same,
    stamped,
    users,
)
from unlost_simulators.servicenow.scenarios.scenario import RECIPE

BASE = ids.fixed("kb_knowledge_base", "IT")
_TYPES = {
    "png": "image/png", "pdf": "application/pdf", "txt": "text/plain", "html": "text/html",
}  # fmt: skip
assert _TYPES.keys() == KINDS.keys()
POOL = 64
"""So many different contents; attachments share them."""
SMALLEST, STEP = 1_024, 577


def tables(company: Company_) -> Tables:
    """Give the rows of knowledge, the catalogue and attachments."""
    yield "kb_knowledge_base", pa.table({
        "sys_id": [BASE], "title": ["IT"], "owner": users(pa.array([HEAD_OF_IT])),
        "sys_created_on": instant_column(1, 900), "sys_updated_on": instant_column(1, 900),
    })  # fmt: skip
    for numbers in runs(company.sizes.articles):
        yield "kb_knowledge", _articles(company, numbers)
    yield "sc_cat_item", _items()
    yield "item_option_new", _variables()
    for numbers in runs(company.sizes.files):
        yield ATTACHMENT, _files(company, numbers)


def _articles(company: Company_, numbers: Numbers) -> pa.Table:
    facts = operations.articles(company, numbers)
    published = facts["published"].to_numpy(zero_copy_only=False)
    return pa.table({
        "sys_id": ids.generated("kb_knowledge", numbers),
        "number": joined("KB", digits(numbers + FIRST_GENERATED, 7)),
        "short_description": facts["title"],
        "text": facts["html"],
        "kb_knowledge_base": same(BASE, numbers),
        "author": users(facts["author"]),
        "workflow_state": chosen(("draft", "published"), published.astype(np.int64)),
        "published": facts["written"],
        "sys_class_name": same("kb_knowledge", numbers),
        **stamped(company.seed, "kb_knowledge", numbers, facts["written"], INTEGRATION),
    })  # fmt: skip


def _items() -> pa.Table:
    count = len(ITEMS)
    return pa.table({
        "sys_id": [ids.fixed("sc_cat_item", item) for item in ITEMS],
        "name": list(ITEMS),
        "active": ["true"] * count,
        "sys_class_name": ["sc_cat_item"] * count,
        "sys_created_on": instant_column(count, 700),
        "sys_updated_on": instant_column(count, 700),
    })  # fmt: skip


def _variables() -> pa.Table:
    pairs = [(item, variable) for item in ITEMS for variable in VARIABLES]
    count = len(pairs)
    return pa.table({
        "sys_id": [ids.fixed("item_option_new", "/".join(pair)) for pair in pairs],
        "name": [variable.lower().replace(" ", "_") for _, variable in pairs],
        "question_text": [variable for _, variable in pairs],
        "cat_item": [ids.fixed("sc_cat_item", item) for item, _ in pairs],
        "order": [str(100 * VARIABLES.index(variable)) for _, variable in pairs],
        "sys_class_name": ["item_option_new"] * count,
        "sys_created_on": instant_column(count, 700),
        "sys_updated_on": instant_column(count, 700),
    })  # fmt: skip


def _recipes() -> list[tuple[str, BlobRecipe, str]]:
    """Give extension, recipe and hash of each content."""
    kinds = tuple(_TYPES)
    recipes = [
        (
            kinds[place % len(kinds)],
            BlobRecipe(kinds[place % len(kinds)], place, SMALLEST + STEP * place),
        )
        for place in range(POOL)
    ]
    return [
        (kind, recipe, hashlib.sha256(b"".join(recipe.chunks())).hexdigest())
        for kind, recipe in recipes
    ]


def _files(company: Company_, numbers: Numbers) -> pa.Table:
    """Give attachments: the first belong to the incidents that are written out."""
    rows = Rows(company.seed, "Attachment", numbers)
    pool = _recipes()
    place = rows.below("content", POOL)
    incident = FIRST_GENERATED + rows.below("incident", max(company.sizes.incidents, 1))
    story = np.where(numbers < len(INCIDENTS), numbers + 1, incident)
    kinds = chosen([kind for kind, _, _ in pool], place)
    sizes = chosen([str(recipe.size) for _, recipe, _ in pool], place)
    created = instant_column(len(numbers), 1)
    return pa.table({
        "sys_id": ids.generated(ATTACHMENT, numbers),
        "file_name": joined("foto-", digits(numbers), ".", kinds),
        "content_type": chosen([_TYPES[kind] for kind, _, _ in pool], place),
        "table_name": same("incident", numbers),
        "table_sys_id": ids.generated("incident", story),
        "size_bytes": sizes,
        "size_compressed": sizes,
        "compressed": same("true", numbers),
        "chunk_size_bytes": same("734003", numbers),
        "hash": chosen([digest for _, _, digest in pool], place),
        RECIPE: chosen([recipe.token() for _, recipe, _ in pool], place),
        **stamped(company.seed, ATTACHMENT, numbers, created, INTEGRATION),
    })  # fmt: skip

"""Encrypted columns that come empty, because the user lacks their encryption context.

ServiceNow docs, "Table API": the values of encrypted columns come back only for users with the
context. Whether the column is then left out or empty is not documented. That the condition ISNOTEMPTY
sees the value also without the context is an inference: where it finds nothing, nothing is lost, and
where ServiceNow drops it, empty cells count as hidden.
"""

from unlost.connectors.servicenow.http.api import PageCall, ServiceNowApi
from unlost.connectors.servicenow.http.walk import ID
from unlost.connectors.servicenow.schema.dictionary import DictionaryTable
from unlost.connectors.servicenow.schema.kinds import ENCRYPTED
from unlost.model.errors import IntegrityError, SourceRefused, TransientError

ROWS = 10  # rows with a value, one of which must show it


def blank_secrets(api: ServiceNowApi, table: DictionaryTable, query: str) -> frozenset[str]:
    """The encrypted columns of which rows have a value and show none, or that do not answer.

    ``query``: the rows of the table, in order. A call for each encrypted column; most tables have
    none.
    """
    encrypted = (each.name for each in table.columns.values() if each.internal_type in ENCRYPTED)
    return frozenset(name for name in encrypted if _comes_blank(api, table.name, name, query))


def _comes_blank(api: ServiceNowApi, table: str, column: str, query: str) -> bool:
    call = PageCall(table, f"{column}ISNOTEMPTY^{query}", (ID, column), limit=ROWS)
    try:
        cells = api.page(call).cells
    except (SourceRefused, IntegrityError, TransientError):
        return True  # not proved; the other columns of the table can be read all the same
    return bool(cells.num_rows) and cells.column(column).null_count == cells.num_rows

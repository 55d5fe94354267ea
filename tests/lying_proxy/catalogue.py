"""All lies."""

from lying_proxy.bulk_lies import BULK_LIES
from lying_proxy.clock_lies import CLOCK_LIES
from lying_proxy.documented_lies import DOCUMENTED_LIES
from lying_proxy.lie import Lie
from lying_proxy.list_lies import LIST_LIES
from lying_proxy.query_lies import COUNT_LIES, PAGE_LIES
from lying_proxy.schema_lies import OPENING_LIES, RIGHTS_LIES, SCHEMA_LIES
from lying_proxy.value_lies import EVERYWHERE_LIES, FILE_LIES, VALUE_LIES

LIES: tuple[Lie, ...] = (
    *PAGE_LIES, *BULK_LIES, *COUNT_LIES, *LIST_LIES, *RIGHTS_LIES, *SCHEMA_LIES, *OPENING_LIES,
    *CLOCK_LIES, *VALUE_LIES, *FILE_LIES, *EVERYWHERE_LIES, *DOCUMENTED_LIES,
)  # fmt: skip

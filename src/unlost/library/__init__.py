"""Unlost as a library: a vault opened for reading, without a home and without a database.

``unlost.open_vault`` is the entry point. Names of this package are public; all others in Unlost are
not.
"""

from unlost.library.partition import Partition
from unlost.library.table import ReadableTable
from unlost.library.vault import ReadableOrg, ReadableSnapshot, ReadableVault, open_vault

__all__ = [
    "Partition",
    "ReadableOrg",
    "ReadableSnapshot",
    "ReadableTable",
    "ReadableVault",
    "open_vault",
]

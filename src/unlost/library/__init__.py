"""Unlost as a library: a vault opened for reading, without a home and without a database.

``unlost.open_vault`` is the way in. Names of this package are public; all else in Unlost is not.
"""

from unlost.library.partition import Partition
from unlost.library.table import Table
from unlost.library.vault import Org, Snapshot, Vault, open_vault

__all__ = ["Org", "Partition", "Snapshot", "Table", "Vault", "open_vault"]

"""Verification of a vault: does every object exist, with the bytes that were written?

``quick`` checks presence and size. It opens manifests, to know the names, and proves keys and
``vault.json``, which are few. ``full`` reads every byte and compares the hashes with the sealed
manifests. ``deep`` decrypts everything and recomputes all derived data. Each damaged object is
reported once; consequences of its damage are not reported again.
"""

from unlost.vault.maintenance.verify.head_memory import HeadMemory
from unlost.vault.maintenance.verify.scope import VerifyScope
from unlost.vault.maintenance.verify.verifier import verify_vault

__all__ = ["HeadMemory", "VerifyScope", "verify_vault"]

"""Compaction: versions from many nights, side by side in few segments."""

from unlost.vault.compact.compactor import compact

__all__ = ["compact"]

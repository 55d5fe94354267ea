"""Unlost backs up what a company keeps in SaaS applications, and brings it back.

``unlost.open_vault`` opens a vault for reading in programs of one's own.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from unlost.library import open_vault

__all__ = ["open_vault"]


def __getattr__(name: str) -> Any:
    """Import a name of the library on first use: commands do not need it."""
    if name in __all__:
        from unlost import library

        return getattr(library, name)
    raise AttributeError(f"module 'unlost' has no attribute {name!r}")

"""A store whose credentials may delete nothing, until they are given the right."""

from unlost.model.errors import StoreError
from unlost.vault.stores.memory import MemoryStore
from unlost.vault.stores.store import MAY_NOT_DELETE


class KeepingStore(MemoryStore):
    """Memory that keeps all; ``may_delete`` set: it is as any other."""

    may_delete = False

    def delete(self, name: str) -> bool:
        """Remove an object, where that is allowed."""
        if not self.may_delete and self.size(name) is not None:
            raise StoreError(MAY_NOT_DELETE, f"“{name}” stays.", next_step="Take others.")
        return super().delete(name)

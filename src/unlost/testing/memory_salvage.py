"""Salvaging a vault in memory, of which nothing is ever damaged."""

from collections.abc import Callable

from unlost.model.salvage import Salvage, SalvageTold


class Undamaged:
    """The part of the port ``Vault`` that salvages, for who has nothing to salvage."""

    def plan_salvage(self, org: str, *, pause: Callable[[], None] = lambda: None) -> Salvage:  # noqa: ARG002
        """Memory does not rot."""
        pause()
        return Salvage()

    def salvages(self, org: str) -> tuple[SalvageTold, ...]:  # noqa: ARG002 (the port's)
        """There were none."""
        return ()

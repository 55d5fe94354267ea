"""Clients that are merged: the winner takes over orders, and the values that a person picks."""

from dataclasses import replace
from typing import Any

from unit.engine.restore.atelier import LINK, Atelier
from unit.engine.restore.workshop import TEXT
from unlost.model.source.schema import DeleteRule, Reference
from unlost.model.source.writing import Identity, NeverColumn, NeverReason

KEPT, DOUBLE, ORDER = "Cli-kept", "Cli-double", "Ord-1"
COLUMNS = frozenset({"Name", "Phone", "Fax", "Site", "Parent"})


class Merged(Atelier):
    """Two clients, the second with an order; ``merge`` merges it into the first."""

    def clients(self) -> None:
        to_client = Reference(("Client",), DeleteRule.CASCADE)
        self.org.add_table(
            "Client",
            {**dict.fromkeys(COLUMNS - {"Parent"}, TEXT), "Winner": LINK, "Parent": LINK},
            references={
                "Winner": Reference(("Client",), DeleteRule.UNKNOWN),
                "Parent": Reference(("Client",), DeleteRule.SET_NULL),
            },
            merged_into="Winner",
        )
        self.org.add_table(
            "Order", {"Name": TEXT, "Client": LINK}, references={"Client": to_client}
        )
        self.allow("Client", settable=COLUMNS, changeable=COLUMNS, identity=Identity.UNDELETE)
        for key in (KEPT, DOUBLE):
            self.client(key)
        self.org.create("Order", {"Name": "Truffles", "Client": DOUBLE}, record=ORDER)
        self.night()

    def client(self, key: str, **cells: str | None) -> None:
        """A client whose values name it."""
        own = {name: f"{name} of {key}" for name in ("Phone", "Fax", "Site")}
        self.org.create("Client", {"Name": key, **own, **cells}, record=key)

    def merge(self, winner: str = KEPT, loser: str = DOUBLE, **cells: str | None) -> None:
        """``cells``: the values that the winner gets."""
        self.clock.advance(hours=1)
        self.platform.merge("Client", winner, loser, by="U2", cells=cells)
        self.clock.advance(hours=1)

    def hide(self, column: str) -> None:
        """The write user may not set this column of clients."""
        capability = self.platform.capability("Client")
        self.platform.allow(
            replace(
                capability,
                settable=capability.settable - {column},
                changeable=capability.changeable - {column},
                never=(*capability.never, NeverColumn(column, NeverReason.NO_PERMISSION)),
            )
        )

    def of_kept(self, record: str = KEPT) -> dict[str, Any]:
        """The values of the winner now."""
        return self.live("Client")[record]

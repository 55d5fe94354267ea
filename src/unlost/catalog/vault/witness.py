"""The witness in the application database."""

from collections.abc import Collection

from unlost.catalog.home_file import home_file
from unlost.model.ports.system import Witnessed


class SqlWitness:
    """Remembers the head of each org's chain, outside the vault (port ``Witness``)."""

    def get(self, org: str) -> Witnessed | None:
        """The last head seen of this oid, or None on first sight."""
        file = home_file()
        if file is not None:
            rows = file.rows("SELECT number, head FROM catalog_witnessrow WHERE oid = ?", (org,))
            return Witnessed(*rows[0]) if rows else None
        from unlost.catalog.connection import returned_connection
        from unlost.catalog.models import WitnessRow

        with returned_connection():
            row = WitnessRow.objects.filter(oid=org).first()
        return Witnessed(number=row.number, head=row.head) if row else None

    def orgs(self) -> Collection[str]:
        """The oids of all orgs of which a head was seen."""
        from unlost.catalog.connection import returned_connection
        from unlost.catalog.models import WitnessRow

        with returned_connection():
            return frozenset(WitnessRow.objects.values_list("oid", flat=True))

    def put(self, org: str, seen: Witnessed) -> None:
        """Store a head, on disk on return."""
        from unlost.catalog.connection import returned_connection
        from unlost.catalog.models import WitnessRow

        with returned_connection():
            WitnessRow.objects.update_or_create(
                oid=org, defaults={"number": seen.number, "head": seen.head}
            )

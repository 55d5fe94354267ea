"""Settings of the home that people change in the console."""

from unlost.catalog.connection import returned_connection
from unlost.catalog.models import HomeSettingRow

PUBLIC_ADDRESS = "public-address"


def public_address() -> str:
    """The address under which people open the console; empty if it was not set."""
    with returned_connection():
        row = HomeSettingRow.objects.filter(name=PUBLIC_ADDRESS).first()
    return row.value if row is not None else ""


def set_public_address(address: str) -> None:
    """Set the address; an empty one removes it."""
    with returned_connection():
        if address:
            HomeSettingRow.objects.update_or_create(
                name=PUBLIC_ADDRESS, defaults={"value": address}
            )
        else:
            HomeSettingRow.objects.filter(name=PUBLIC_ADDRESS).delete()

"""The place of a vault, from the options of a command."""

from pathlib import Path

from unlost.vault.stores.address import BucketOptions, StoreAddress, read_address


def vault_place(
    text: str | None,
    *,
    endpoint: str,
    region: str,
    hosted: bool,
    ca_file: Path | None,
    credentials: Path | None,
    maintenance: Path | None,
    bandwidth: int,
) -> StoreAddress | None:
    """Return the place of the vault; None if no option was given.

    Raises UsageError (``store-address-invalid``).
    """
    # unlost.toml is read from other folders, for example by systemd.
    ca_path, credentials_path, maintenance_path = (
        path.absolute() if path is not None else None
        for path in (ca_file, credentials, maintenance)
    )
    reach = BucketOptions(
        endpoint=endpoint,
        region=region,
        hosted=hosted,
        ca_file=ca_path,
        credentials_file=credentials_path,
        maintenance_file=maintenance_path,
        bandwidth=bandwidth,
    )
    if text is None and reach == BucketOptions():
        return None
    return read_address(text or "", reach=reach, base=Path.cwd())

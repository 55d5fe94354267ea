"""Opens the store at a vault's address."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unlost.model.errors import StoreError
from unlost.model.store import Store
from unlost.vault.stores.address import AZURE, StoreAddress
from unlost.vault.stores.local import LocalStore

if TYPE_CHECKING:
    from obstore.store import ObjectStore

CONNECT_TIME, ANSWER_TIME = timedelta(seconds=10), timedelta(seconds=120)
READ_TRIES = 5
READ_TIME = timedelta(seconds=60)  # after which a read is not repeated any more
_CREDENTIALS = ("AWS_", "AZURE_")
DEFAULT_REGION = "us-east-1"  # what S3 servers that know no regions are asked with


def open_store(address: StoreAddress, *, sleep: Callable[[float], None]) -> Store:
    """The store at a place; nothing is asked of it yet.

    Raises StoreError (``ca-file-unreadable``, ``credentials-unreadable``, ``store-settings-wrong``).
    """
    if address.folder is not None:
        return LocalStore(address.folder)
    from unlost.vault.stores.bucket import BucketStore

    try:
        reading, writing = (_client(address, tries=tries) for tries in (READ_TRIES, 0))
    except Exception as error:  # the client has a kind of its own for each wrong setting
        if isinstance(error, StoreError):
            raise
        raise StoreError(
            "store-settings-wrong",
            f"{address} cannot be opened: {str(error).splitlines()[0]}.",
            next_step="Check the endpoint and region of the vault, and the credentials in the environment.",
        ) from error
    return BucketStore(reading, writing, address=str(address), sleep=sleep)


def _client(address: StoreAddress, *, tries: int) -> "ObjectStore":
    from obstore.store import AzureStore, S3Store

    reach = address.reach
    options: dict[str, Any] = {
        "connect_timeout": CONNECT_TIME,
        "timeout": ANSWER_TIME,
        "allow_http": reach.endpoint.startswith("http://"),
    }
    if reach.ca_file is not None:
        options["root_certificate"] = _certificates(reach.ca_file)
    retry: Any = {"max_retries": tries, "retry_timeout": READ_TIME}
    common: dict[str, Any] = {
        "prefix": address.prefix or None,
        "client_options": options,
        "retry_config": retry,
    }
    if reach.credentials_file is not None:
        common["config"] = credentials_in(reach.credentials_file)
    if reach.endpoint:
        common["endpoint"] = reach.endpoint
    if address.kind == AZURE:
        return AzureStore(address.bucket, **common)
    if reach.region or reach.endpoint:
        common["region"] = reach.region or DEFAULT_REGION
    return S3Store(
        address.bucket,
        virtual_hosted_style_request=reach.hosted,
        disable_bulk_delete=True,  # not every server knows it, and the vault deletes one by one
        **common,
    )


def credentials_in(file: Path) -> dict[str, str]:
    """What a file of credentials says, by the names of the client's settings.

    Raises StoreError (``credentials-unreadable``).
    """
    try:
        lines = [line.strip() for line in file.read_text(encoding="utf-8").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise _no_credentials(file, "it cannot be read") from error
    told = [line.partition("=") for line in lines if line and not line.startswith("#")]
    names = [name.strip().removeprefix("export ").strip() for name, _, _ in told]
    if not names or not all(name.startswith(_CREDENTIALS) for name in names):
        raise _no_credentials(file, "each line must be AWS_…=… or AZURE_…=…")
    values = (value.strip().strip("'\"") for _, _, value in told)
    return dict(zip(map(str.lower, names), values, strict=True))


def _no_credentials(file: Path, why: str) -> StoreError:
    return StoreError(
        "credentials-unreadable",
        f"The credentials in {file} are of no use: {why}.",
        next_step="Write AWS_ACCESS_KEY_ID=… and AWS_SECRET_ACCESS_KEY=… into it, a line each, and let "
        "the service's user read it.",
    )


def _certificates(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise StoreError(
            "ca-file-unreadable",
            f"The certificates in {file} cannot be read: {error.strerror}.",
            next_step="Name a file of certificates in PEM.",
        ) from error

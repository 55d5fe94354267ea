"""Opens the store at a vault's address."""

import os
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unlost.model.errors import StoreError
from unlost.model.store import Store
from unlost.vault.stores.address import AZURE, DEFAULT_REGION, S3, StoreAddress
from unlost.vault.stores.local import LocalStore

if TYPE_CHECKING:
    from obstore.store import ObjectStore

    from unlost.vault.stores.bucket import Remover
    from unlost.vault.stores.versions import Versions

CONNECT_TIME, ANSWER_TIME = timedelta(seconds=10), timedelta(seconds=120)
READ_TRIES = 5
READ_TIME = timedelta(seconds=60)  # after which a read is not repeated any more
_CREDENTIALS = ("AWS_", "AZURE_")


type Now = Callable[[], datetime]
type Sleep = Callable[[float], None]


def open_store(address: StoreAddress, *, sleep: Sleep, now: Now | None = None) -> Store:
    """The store at a place; nothing is asked of it yet.

    ``now`` tells the time, which signed requests need that remove versions; without it none are removed.

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
    return BucketStore(
        reading,
        writing,
        removing=_remover(address, reading, now, sleep),
        address=str(address),
        sleep=sleep,
    )


def _remover(
    address: StoreAddress, reading: "ObjectStore", now: Now | None, sleep: Sleep
) -> "Callable[[], Remover]":
    """Gives what may delete: the client that reads, but for where other credentials are named."""
    from unlost.vault.stores.bucket import Remover

    file = address.reach.maintenance_file

    def made() -> Remover:
        client = reading if file is None else _maintaining(address, file)
        return Remover(client, _versions(address, now, sleep))

    return cache(made)


def _versions(address: StoreAddress, now: Now | None, sleep: Sleep) -> "Versions | None":
    """What removes versions there; None where no key is known by its text."""
    from unlost.vault.stores.versions import Versions, key_in

    reach = address.reach
    if address.kind != S3 or now is None:
        return None
    file = reach.maintenance_file or reach.credentials_file
    told = credentials_in(file) if file else {k.lower(): v for k, v in os.environ.items()}
    key = key_in(told)
    return None if key is None else Versions(address, key=key, now=now, sleep=sleep)


def check_not_locked(address: StoreAddress, *, now: Now, sleep: Sleep) -> None:
    """Raise StoreError (``store-locked``) where a bucket keeps what is new in it for good.

    Where the credentials that delete are not at hand, nothing is asked.
    """
    try:
        versions = _versions(address, now, sleep)
    except StoreError:
        return
    if versions is not None and versions.is_locked_for_good():
        raise StoreError(
            "store-locked",
            f"{address} locks what is written in compliance mode: nobody could erase anything in time.",
            next_step="Set the bucket's default lock to governance mode, or take a bucket without one.",
        )


def _maintaining(address: StoreAddress, file: Path) -> "ObjectStore":
    """The client of maintenance; raises StoreError where its credentials are not at hand."""
    try:
        return _client(address, tries=READ_TRIES, credentials=file)
    except Exception as error:  # also what the client says of credentials that are none
        raise StoreError(
            "store-may-not-delete",
            f"Nothing can be deleted in {address}: the maintenance credentials in {file} cannot be used here.",
            next_step="Do this where that file can be read, or let this user read it. Backups go on "
            "without it.",
        ) from error


def _client(address: StoreAddress, *, tries: int, credentials: Path | None = None) -> "ObjectStore":
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
    file = credentials or reach.credentials_file
    if file is not None:
        common["config"] = credentials_in(file)
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
        checksum_algorithm="SHA256",  # without one a bucket with locks takes nothing
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

"""Opens the store at a vault's address."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from unlost.model.errors import StoreError
from unlost.model.vault.store import Store
from unlost.vault.stores.address import AZURE, DEFAULT_REGION, S3, StoreAddress
from unlost.vault.stores.credentials import ENDPOINTS, REGIONS, client_settings, credentials_in
from unlost.vault.stores.local import LocalStore

if TYPE_CHECKING:
    from obstore.store import ObjectStore

    from unlost.vault.stores.bucket import ObjectRemover
    from unlost.vault.stores.versions import BucketVersions

CONNECT_TIME, ANSWER_TIME = timedelta(seconds=10), timedelta(seconds=120)
READ_TRIES = 5
READ_TIME = timedelta(seconds=60)  # after this a failed read is not repeated


type Now = Callable[[], datetime]
type Sleep = Callable[[float], None]


def open_store(address: StoreAddress, *, sleep: Sleep, now: Now | None = None) -> Store:
    """Open the store at an address, without contacting it yet.

    ``now`` returns the time, which the signed requests that remove versions need; without it no
    versions are removed. Raises StoreError (``ca-file-unreadable``, ``credentials-unreadable``,
    ``store-settings-wrong``).
    """
    if address.folder is not None:
        return LocalStore(address.folder)
    from unlost.vault.stores.bucket import BucketStore

    address = resolved(address)
    try:
        reading, writing = (_client(address, tries=tries) for tries in (READ_TRIES, 0))
    except Exception as error:  # the client raises another class for each wrong setting
        if isinstance(error, StoreError):
            raise
        # never quote the client after reading a file: its message may contain a secret
        why = f": {str(error).splitlines()[0]}" if address.reach.credentials_file is None else ""
        raise StoreError(
            "store-settings-wrong",
            "{address} cannot be opened{why}.",
            next_step="Check the endpoint and region of the vault, and the credentials in the environment.",
            address=address,
            why=why,
        ) from error
    return BucketStore(
        reading,
        writing,
        removing=_remover(address, reading, now, sleep),
        address=str(address),
        sleep=sleep,
    )


def resolved(address: StoreAddress) -> StoreAddress:
    """The address with its endpoint and region filled in.

    They come from the address, else from the credentials file, else from the environment. Raises
    StoreError (``credentials-unreadable``).
    """
    if address.kind != S3:
        return address
    reach = address.reach
    file = credentials_in(reach.credentials_file) if reach.credentials_file else {}
    sources = (file, _environment())
    endpoint = reach.endpoint or _first(sources, ENDPOINTS)
    region = reach.region or _first(sources, REGIONS)
    return replace(address, reach=replace(reach, endpoint=endpoint, region=region))


def _environment() -> dict[str, str]:
    return {name.lower(): value for name, value in os.environ.items()}


def _first(sources: Sequence[Mapping[str, str]], names: Sequence[str]) -> str:
    """The first of these settings that a source has; empty if none has one."""
    return next((source[name] for source in sources for name in names if source.get(name)), "")


def _remover(
    address: StoreAddress, reading: "ObjectStore", now: Now | None, sleep: Sleep
) -> "Callable[[], ObjectRemover]":
    """Return the client that deletes: the reading client, unless other credentials are named.

    The file of these credentials is checked each time: a replaced file is read again, and without
    the file nothing can be deleted.
    """
    from unlost.vault.stores.bucket import ObjectRemover

    file = address.reach.maintenance_file

    @lru_cache(maxsize=1)
    def remover(_: tuple[int, int]) -> ObjectRemover:
        client = reading if file is None else _maintaining(address, file)
        return ObjectRemover(client, _versions(address, now, sleep))

    return lambda: remover((0, 0) if file is None else _mark_of(address, file))


def _mark_of(address: StoreAddress, file: Path) -> tuple[int, int]:
    """The time and inode that identify this state of a file; raises StoreError if it is missing."""
    try:
        known = file.stat()
    except OSError as error:
        raise _no_maintenance(address, file) from error
    return known.st_mtime_ns, known.st_ino


def _versions(address: StoreAddress, now: Now | None, sleep: Sleep) -> "BucketVersions | None":
    """The access to versions; None if no key is available as text."""
    from unlost.vault.stores.versions import BucketVersions, key_in

    reach = address.reach
    if address.kind != S3 or now is None:
        return None
    file = reach.maintenance_file or reach.credentials_file
    credentials = credentials_in(file) if file else _environment()
    key = key_in(credentials)
    return None if key is None else BucketVersions(address, key=key, now=now, sleep=sleep)


def check_not_locked(address: StoreAddress, *, now: Now, sleep: Sleep) -> None:
    """Raise StoreError (``store-locked``) if a bucket locks new objects in compliance mode.

    Asks nothing if the credentials that delete are not available.
    """
    try:
        versions = _versions(resolved(address), now, sleep)
    except StoreError:
        return
    if versions is not None and versions.is_locked_for_good():
        raise StoreError(
            "store-locked",
            "{address} locks new objects in compliance mode, so nothing can be erased in time.",
            next_step="Set the default lock of the bucket to governance mode, or use a bucket "
            "without a default lock.",
            address=address,
        )


def _maintaining(address: StoreAddress, file: Path) -> "ObjectStore":
    """The client with the maintenance credentials; raises StoreError if they are not available."""
    try:
        return _client(address, tries=READ_TRIES, credentials=file)
    except Exception as error:  # also the client's error for invalid credentials
        raise _no_maintenance(address, file) from error


def _no_maintenance(address: StoreAddress, file: Path) -> StoreError:
    return StoreError(
        "store-may-not-delete",
        "Nothing can be deleted in {address}: the maintenance credentials in {file} cannot be used here.",
        next_step="Run this where the file can be read, or let this user read it. Backups "
        "continue without it.",
        address=address,
        file=file,
    )


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
        common |= client_settings(file, kind=address.kind)
    if reach.endpoint:
        common["endpoint"] = _endpoint(address)
    if address.kind == AZURE:
        return AzureStore(address.bucket, **common)
    if reach.region or reach.endpoint:
        common["region"] = reach.region or DEFAULT_REGION
    return S3Store(
        address.bucket,
        virtual_hosted_style_request=reach.hosted,
        disable_bulk_delete=True,  # not every server supports it, and the vault deletes one by one
        checksum_algorithm="SHA256",  # a bucket with locks refuses objects without one
        **common,
    )


def _endpoint(address: StoreAddress) -> str:
    """The URL for the client, which expects the bucket in front of a virtual host's name."""
    reach = address.reach
    if not reach.hosted or address.kind != S3:
        return reach.endpoint
    parts = urlsplit(reach.endpoint)
    return f"{parts.scheme}://{address.bucket}.{parts.netloc}{parts.path}"


def _certificates(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise StoreError(
            "ca-file-unreadable",
            "The certificates in {file} cannot be read: {strerror}.",
            next_step="Name a PEM file with certificates.",
            file=file,
            strerror=error.strerror,
        ) from error

"""The address of a vault as people write it; ``unlost.vault.stores.reach`` opens the store there.

An address is a folder, ``s3://BUCKET/PREFIX`` or ``az://CONTAINER/PREFIX``. ``BucketOptions`` has
the other settings of a bucket, but never credentials: the client takes them from the environment of
the process (``AWS_ACCESS_KEY_ID`` and ``AWS_SECRET_ACCESS_KEY``, ``AZURE_STORAGE_ACCOUNT_NAME`` and
``AZURE_STORAGE_ACCOUNT_KEY``, or the machine's own identity), or from a separate file with the same
names.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from unlost.model.errors import UsageError
from unlost.vault.stores.store import check_name

S3, AZURE = "s3", "az"
CACHE = 512  # megabytes
DEFAULT_REGION = "us-east-1"  # sent to S3 servers that have no regions
_ENDPOINT = re.compile(
    r"https?://[A-Za-z0-9.-]+(:\d{1,5})?(/[A-Za-z0-9._~/-]*)?|https?://\[[0-9a-f:]+\](:\d{1,5})?/?"
)


@dataclass(frozen=True, slots=True)
class BucketOptions:
    """The settings for reaching a bucket, in addition to its address.

    ``endpoint``: the URL of a server that is not the cloud's own. ``hosted``: the bucket is a part
    of the host's name, not of the path (S3). ``ca_file``: additional trusted certificates, as PEM.
    ``credentials_file``: lines NAME=VALUE, which replace the environment. ``maintenance_file``: the
    same for credentials that may also delete; it is read when something must be deleted, and may be
    absent until then. ``bandwidth``: the most megabytes a second that a process reads and writes, 0
    for no limit. ``cache``: megabytes of read data that may be kept on this machine.
    """

    endpoint: str = ""
    region: str = ""
    hosted: bool = False
    ca_file: Path | None = None
    credentials_file: Path | None = None
    maintenance_file: Path | None = None
    bandwidth: int = 0
    cache: int = CACHE


@dataclass(frozen=True, slots=True)
class StoreAddress:
    """The address of a vault. ``folder`` is set for a file system; the other fields for buckets."""

    folder: Path | None = None
    kind: str = ""
    bucket: str = ""
    prefix: str = ""
    reach: BucketOptions = BucketOptions()

    def __str__(self) -> str:
        if self.folder is not None:
            return str(self.folder)
        return "/".join([f"{self.kind}://{self.bucket}", *filter(None, [self.prefix])])


def read_address(text: str, *, reach: BucketOptions = BucketOptions(), base: Path) -> StoreAddress:
    """Parse an address; a relative folder is resolved against ``base``.

    Raises UsageError (``store-address-invalid``, ``store-endpoint-invalid``).
    """
    if "://" not in text:
        if reach != BucketOptions():
            raise _wrong(
                text, "a folder has no endpoint, region, certificates, credentials or bandwidth"
            )
        return StoreAddress(folder=(base / text).absolute())
    _check_endpoint(reach.endpoint)
    parts = urlsplit(text)
    if parts.scheme not in (S3, AZURE):
        raise _wrong(text, f"“{parts.scheme}” is not a type of store that Unlost supports")
    if not parts.hostname or "@" in parts.netloc or parts.query or parts.fragment:
        raise _wrong(text, "it must be the name of a bucket, with an optional path")
    prefix = parts.path.strip("/")
    if prefix:
        try:
            check_name(prefix)
        except UsageError as error:
            raise _wrong(
                text, "a path can contain only lowercase letters, digits, and . _ - /"
            ) from error
    return StoreAddress(None, parts.scheme, parts.netloc, prefix, reach)


def _check_endpoint(endpoint: str) -> None:
    if endpoint and _ENDPOINT.fullmatch(endpoint) is None:
        raise UsageError(
            "store-endpoint-invalid",
            "“{endpoint}” is not the address of a server.",
            next_step="Write it as https://HOST or http://HOST:PORT.",
            endpoint=endpoint,
        )


def _wrong(text: str, why: str) -> UsageError:
    return UsageError(
        "store-address-invalid",
        "“{text}” is not a valid address of a vault: {why}.",
        next_step="Use a folder, s3://BUCKET/PATH or az://CONTAINER/PATH.",
        text=text,
        why=why,
    )

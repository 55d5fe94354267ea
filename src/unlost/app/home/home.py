"""The home: a folder with the settings, state and keys of this machine, but no backups.

    unlost.toml       format number, places of vault, mirror and service key, database URL
    catalog.sqlite    the application database
    steps.sqlite      step results of unfinished runs
    queue.sqlite      waiting and active jobs
    cache/            metadata of orgs and remote vaults; may be deleted while nothing runs
    keys/home.key     encrypts the secrets of orgs
    keys/service.key  opens the vault, unless unlost.toml names another place
    locks/            lock files

With a PostgreSQL database, the database holds the three SQLite files' content and the locks.

See docs/adr/0014 for the database, and docs/adr/0013 for the copies of a home in the vault.
"""

import json
import os
import shutil
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from unlost.model.errors import (
    Conflict,
    IntegrityError,
    NotAllowed,
    NotFound,
    StoreError,
    UsageError,
)
from unlost.vault.stores.address import CACHE, BucketOptions, StoreAddress, read_address

FORMAT = 1
FORMAT_WITH_DATABASE = 2  # so that a version without databases does not create files
FORMAT_WITH_BUCKET = 3  # so that a version without buckets does not create folders
FILE = "unlost.toml"
HOME_KEY_BYTES = 32
HOME_VARIABLE = "UNLOST_HOME"
OURS = (
    *("cache", "catalog.sqlite", "keys", "locks", "queue.sqlite", "steps.sqlite", "vault", "work"),
    FILE,
)


@dataclass(frozen=True, slots=True)
class Home:
    """A home's folder and the settings of its ``unlost.toml``; all paths are absolute.

    ``place`` is the place of the vault, ``mirror`` that of its mirror. ``database`` is the URL of
    the PostgreSQL database, empty if the home uses files.
    """

    root: Path
    place: StoreAddress
    service_key: Path
    database: str = ""
    mirror: StoreAddress | None = None

    @property
    def vault(self) -> Path | None:
        """The vault's folder; None if it is in a bucket."""
        return self.place.folder

    @property
    def catalog(self) -> Path | str:
        """The application database: a file, or a URL."""
        return self.database or self.root / "catalog.sqlite"

    @property
    def steps(self) -> Path | str:
        """Step results of unfinished runs: a file, or a URL."""
        return self.database or self.root / "steps.sqlite"

    @property
    def queue(self) -> Path | str:
        """Waiting and active jobs: a file, or a URL."""
        return self.database or self.root / "queue.sqlite"

    @property
    def files(self) -> tuple[Path, ...]:
        """The database files; none if the home has a PostgreSQL database."""
        places = (self.catalog, self.steps, self.queue)
        return tuple(place for place in places if isinstance(place, Path))

    @property
    def locks(self) -> Path:
        """The folder of lock files."""
        return self.root / "locks"

    @property
    def work(self) -> Path:
        """The folder for temporary data of unfinished runs; may be emptied if there are none."""
        return self.root / "work"

    @property
    def cache(self) -> Path:
        """The folder of cached metadata; may be deleted at any time."""
        return self.root / "cache"

    @property
    def home_key(self) -> Path:
        """The key file that encrypts secrets of orgs."""
        return self.root / "keys" / "home.key"


def plan_home(
    root: Path,
    *,
    vault: Path | StoreAddress | None,
    service_key: Path | None,
    database: str = "",
) -> Home:
    """Return the home that would be created in ``root``, without writing anything.

    Raises Conflict, UsageError.
    """
    root = root.absolute()
    if database:
        check_database_url(database)
    home = Home(
        root=root,
        place=_place(vault or root / "vault"),
        service_key=(service_key or root / "keys" / "service.key").absolute(),
        database=database,
    )
    if (root / FILE).exists():
        raise Conflict(
            "home-exists",
            "{root} is already an Unlost home.",
            next_step="Use it as it is, or choose another folder.",
            root=root,
        )
    if root.exists() and not root.is_dir():
        raise UsageError(
            "home-not-a-folder",
            "{root} is a file, not a folder.",
            next_step="Choose a folder for the home.",
            root=root,
        )
    names = sorted(entry.name for entry in root.iterdir()) if root.is_dir() else []
    strangers = [name for name in names if not name.startswith(OURS)]
    if strangers:
        raise UsageError(
            "home-not-empty",
            "{root} contains other files, such as {file}.",
            next_step="Choose an empty folder, or one that does not exist yet.",
            root=root,
            file=strangers[0],
        )
    check_keys_outside_vault(home)
    return home


def _place(vault: Path | StoreAddress) -> StoreAddress:
    return vault if isinstance(vault, StoreAddress) else StoreAddress(vault.absolute())


def check_keys_outside_vault(home: Home) -> None:
    """Raise UsageError if a key file is in the vault's folder: one theft would take both."""
    for key in (home.service_key, home.home_key):
        check_outside_vault(key, home.vault)
        check_outside_vault(key, home.mirror.folder if home.mirror is not None else None)


def check_database_url(url: str) -> None:
    """Raise UsageError unless this is the URL of a PostgreSQL database without a password."""
    try:
        parts = urlsplit(url)
        secret = parts.password is not None or "password" in parse_qs(parts.query)
    except ValueError:
        parts, secret = urlsplit(""), False
    if parts.scheme not in ("postgresql", "postgres") or not parts.path.strip("/"):
        raise UsageError(
            "database-url-invalid",
            "This is not a valid PostgreSQL URL.",
            next_step="Write it as postgresql://USER@HOST/DATABASE. For a database on this "
            "machine, write postgresql:///DATABASE?host=/run/postgresql.",
        )
    if secret:
        raise UsageError(
            "database-password",
            "The URL of the database must not contain its password, because it is stored in "
            "unlost.toml.",
            next_step="Remove the password from the URL. Store it in ~/.pgpass, or in a file "
            "whose name is in PGPASSFILE.",
        )


def check_outside_vault(key: Path, vault: Path | None) -> None:
    """Raise UsageError if this path is in the vault's folder, if it has one."""
    if vault is not None and key.resolve().is_relative_to(vault.resolve()):
        raise UsageError(
            "key-in-vault",
            "The key {key} is inside the vault folder {vault}.",
            next_step="Move it to another folder, so that a copy of the vault does not include "
            "its key.",
            key=key,
            vault=vault,
        )


def write_home(home: Home) -> None:
    """Write ``unlost.toml`` atomically, which makes the folder a home."""
    text = (
        "# Written by unlost init.\n"
        f"format = {_format_of(home)}\n\n"
        "[vault]\n"
        f"address = {json.dumps(_address(home.place, home.root))}\n"
        f"service_key = {json.dumps(_relative(home.service_key, home.root))}\n"
        f"{_reach(home.place.reach)}"
    )
    if home.database:
        text += f"\n[database]\nurl = {json.dumps(home.database)}\n"
    _put(home, text)


def write_mirror(home: Home, mirror: StoreAddress | None) -> None:
    """Write the mirror's place into ``unlost.toml``; the rest of the file is unchanged."""
    lines = (home.root / FILE).read_text(encoding="utf-8").splitlines()
    starts = [number for number, line in enumerate(lines) if line.startswith("[")]
    begin = next((at for at in starts if lines[at].startswith("[mirror]")), len(lines))
    end = next((at for at in starts if at > begin), len(lines))
    text = "\n".join([*lines[:begin], *lines[end:]]).rstrip("\n") + "\n"
    if mirror is not None:
        text += f"\n[mirror]\naddress = {json.dumps(_address(mirror, home.root))}\n"
        text += _reach(mirror.reach)
    _put(home, text)


def _put(home: Home, text: str) -> None:
    draft, present = home.root / f"{FILE}.new", home.root / FILE
    with draft.open("w", encoding="utf-8") as file:
        if present.exists():
            # Keep mode and owner: the service may run as another user than this process.
            shutil.copystat(present, draft)
            status = present.stat()
            with suppress(OSError):  # refused, or unknown to the file system
                os.chown(draft, status.st_uid, status.st_gid)
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.rename(home.root / FILE)


def _format_of(home: Home) -> int:
    """Return the oldest format that supports this home's settings."""
    if home.vault is None:
        return FORMAT_WITH_BUCKET
    return FORMAT_WITH_DATABASE if home.database else FORMAT


def _address(place: StoreAddress, root: Path) -> str:
    return str(place) if place.folder is None else _relative(place.folder, root)


def _reach(reach: BucketOptions) -> str:
    """Return the lines with a bucket's options; defaults are left out."""
    section: dict[str, object] = {
        "endpoint": reach.endpoint,
        "region": reach.region,
        "hosted": reach.hosted,
        "ca_file": str(reach.ca_file or ""),
        "credentials_file": str(reach.credentials_file or ""),
        "maintenance_credentials_file": str(reach.maintenance_file or ""),
        "bandwidth": reach.bandwidth,
    }
    if reach.cache != CACHE:
        section["cache"] = reach.cache
    return "".join(
        f"{name} = {json.dumps(value)}\n"
        for name, value in section.items()
        if value or name == "cache"
    )


def read_home(root: Path) -> Home:
    """Read the home in this folder; raises NotFound, StoreError, IntegrityError, UsageError."""
    root = root.absolute()
    try:
        settings = tomllib.loads((root / FILE).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise NotFound(
            "home-missing",
            "There is no Unlost home in {root}.",
            next_step="Create one with `unlost init DIR`, or choose one with --home or {variable}.",
            root=root,
            variable=HOME_VARIABLE,
        ) from None
    except (OSError, ValueError) as error:
        raise _damaged(root, str(error)) from error
    _check_format(root, settings.get("format"))
    try:
        vault = settings["vault"]
        home = Home(
            root=root,
            place=_place_of(vault, root),
            service_key=root / str(vault["service_key"]),
            database=str(settings["database"]["url"]) if "database" in settings else "",
            mirror=_place_of(settings["mirror"], root) if "mirror" in settings else None,
        )
    except (AttributeError, KeyError, TypeError) as error:
        raise _damaged(root, f"the setting {error} is missing") from error
    check_keys_outside_vault(home)
    if home.database:
        check_database_url(home.database)
    return home


def _place_of(section: Mapping[str, object], root: Path) -> StoreAddress:
    reach = BucketOptions(
        endpoint=str(section.get("endpoint", "")),
        region=str(section.get("region", "")),
        hosted=section.get("hosted") is True,
        ca_file=_file_of(section, "ca_file"),
        credentials_file=_file_of(section, "credentials_file"),
        maintenance_file=_file_of(section, "maintenance_credentials_file"),
        bandwidth=_megabytes(section, "bandwidth", 0),
        cache=_megabytes(section, "cache", CACHE),
    )
    return read_address(str(section["address"]), reach=reach, base=root)


def _file_of(section: Mapping[str, object], name: str) -> Path | None:
    return Path(str(section[name])) if section.get(name) else None


def _megabytes(section: Mapping[str, object], name: str, usual: int) -> int:
    number = section.get(name, usual)
    if isinstance(number, bool) or not isinstance(number, int) or number < 0:
        raise TypeError(f"{name}, a whole number of megabytes,")
    return number


def read_home_key(home: Home) -> bytes:
    """Return the 32 bytes of the home's key file; raises NotAllowed."""
    try:
        key = bytes.fromhex(home.home_key.read_text(encoding="ascii"))
    except (OSError, ValueError) as error:
        raise _home_key_missing(home) from error
    if len(key) != HOME_KEY_BYTES:
        raise _home_key_missing(home)
    return key


def write_secret_file(file: Path, text: str) -> None:
    """Write a file that only its owner may read; raises Conflict if it exists."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        opened = os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        raise Conflict(
            "file-exists",
            "{file} already exists and is not overwritten.",
            next_step="Move the existing file, or choose another name.",
            file=file,
        ) from None
    except OSError as error:
        raise StoreError(
            "file-not-written",
            "{file} cannot be written: {reason}.",
            next_step="Choose a folder that you may write to.",
            file=file,
            reason=error.strerror,
        ) from error
    with os.fdopen(opened, "w", encoding="utf-8") as handle:
        handle.write(text)
        handle.flush()
        os.fsync(handle.fileno())


def _relative(path: Path, root: Path) -> str:
    return str(path.relative_to(root) if path.is_relative_to(root) else path)


def _check_format(root: Path, number: object) -> None:
    if not isinstance(number, int):
        raise _damaged(root, "it has no format number")
    if number > FORMAT_WITH_BUCKET:
        raise StoreError(
            "home-newer",
            "The home {root} has format {format}. This version of Unlost supports formats up "
            "to {newest}.",
            next_step="Update Unlost on this machine. Nothing was changed.",
            root=root,
            format=number,
            newest=FORMAT_WITH_BUCKET,
        )


def _damaged(root: Path, why: str) -> IntegrityError:
    return IntegrityError(
        "home-damaged",
        "{file} is invalid: {why}.",
        next_step="Repair the file. It needs a format number and the address of the vault.",
        file=root / FILE,
        why=why,
    )


def _home_key_missing(home: Home) -> NotAllowed:
    return NotAllowed(
        "home-key-missing",
        "The key {file}, which decrypts the secrets of the orgs, is missing or incomplete.",
        next_step="Restore the file from a copy. Without a copy, delete it, create a new home "
        "with `unlost init`, and add the orgs again.",
        file=home.home_key,
    )

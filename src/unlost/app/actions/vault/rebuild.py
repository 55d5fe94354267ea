"""Rebuild a lost home on a new machine, from the vault and its recovery sheet."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from unlost.app.actions.vault.init import InitRequest, InitResult, adopt_vault
from unlost.app.compose import Application, open_application
from unlost.app.home.database import connect
from unlost.app.home.discovery import load_connector
from unlost.app.home.home import HOME_KEY_BYTES, Home, write_secret_file
from unlost.app.home.system import SystemClock, SystemEntropy
from unlost.app.vault.home_copy import read_copy
from unlost.catalog.alerts import list_alerts, list_channels
from unlost.catalog.home.copying import check_key, schema_of, settle_copy, write_database
from unlost.catalog.home.moving import fill_from
from unlost.catalog.orgs.orgs import ProtectedOrg, list_orgs
from unlost.catalog.orgs.writers import find_writer
from unlost.catalog.runs.runs import list_runs
from unlost.catalog.runs.schedules import schedule_of
from unlost.catalog.schema import check_schema
from unlost.model.errors import NotFound, UsageError
from unlost.model.ports.source import Connector
from unlost.model.ports.system import Clock, Entropy
from unlost.model.ports.vault import Vault
from unlost.model.vault.snapshot import nights
from unlost.model.vault.store import Store
from unlost.vault.keys.hierarchy import Keyring
from unlost.vault.vault import open_vault


@dataclass(frozen=True, slots=True)
class Rebuild:
    """The inputs of a rebuild. ``copy`` is the number of a home copy (None: the newest).

    ``home_key`` is a saved ``keys/home.key``; without it credentials have to be entered again.
    """

    place: InitRequest
    sheet: str
    home_key: Path | None = None
    copy: int | None = None


@dataclass(frozen=True, slots=True)
class RebuiltOrg:
    """A rebuilt org. ``credentials`` and ``writer``: the next run can sign in.

    ``writer`` is None for an org without a write user.
    """

    name: str
    label: str
    backups: int
    last_backup: datetime | None
    runs: int
    nightly: bool
    credentials: bool
    writer: bool | None


@dataclass(frozen=True, slots=True)
class RebuildResult:
    """The rebuilt home. ``silent`` are the channels whose secret must be entered again."""

    home: InitResult
    orgs: tuple[RebuiltOrg, ...]
    alerts: int
    channels: int
    silent: tuple[str, ...]


def rebuild(
    request: Rebuild,
    *,
    clock: Clock | None = None,
    entropy: Entropy | None = None,
    connectors: Callable[[str], Connector] = load_connector,
) -> RebuildResult:
    """Rebuild a lost home from its newest copy in the vault.

    Raises NotFound (``home-copy-missing``, ``home-copy-unknown``), NotAllowed (``home-key-wrong``
    and the errors of opening the vault), Conflict, UsageError, IntegrityError; the vault is
    unchanged then.
    """
    clock, entropy = clock or SystemClock(), entropy or SystemEntropy()
    key = _read_key(request.home_key) if request.home_key is not None else None

    silent: list[str] = []

    def fill(home: Home, store: Store, keys: Keyring) -> None:
        vault = open_vault(store, keys=keys, clock=clock, entropy=entropy)
        silent.extend(_fill(home, _content(vault, request.copy), key, at=clock.now()))

    init_result = adopt_vault(request.place, sheet=request.sheet, entropy=entropy, fill=fill)
    place = Path(init_result.home)
    with open_application(place, clock=clock, entropy=entropy, connectors=connectors) as app:
        orgs = tuple(_org(app, org) for org in list_orgs())
        return RebuildResult(
            init_result, orgs, len(list_alerts()), len(list_channels()), tuple(silent)
        )


def _content(vault: Vault, number: int | None) -> bytes:
    content = read_copy(vault, number)
    if content is None:
        raise NotFound(
            "home-copy-missing",
            "This vault has no copy of a home's data.",
            next_step="Create a home with `unlost init DIR --from-sheet FILE`, and add the "
            "orgs again. Their backups are in the vault.",
        )
    return content


def _fill(home: Home, content: bytes, key: bytes | None, *, at: datetime) -> Sequence[str]:
    """Write the copy into the home; returns the channels whose secret is lost."""
    # A copy of a newer release cannot be migrated back.
    check_schema(schema_of(content), what="The copy of the home's data")
    if key is not None:
        check_key(content, key)
        if not home.home_key.exists():
            write_secret_file(home.home_key, key.hex() + "\n")
    file = home.root / "catalog.sqlite"
    write_database(content, file)
    silent = settle_copy(file, keep_secrets=key is not None, at=at)
    if home.database:
        _move_into(home.database, file)
    return silent


def _move_into(database: str, file: Path) -> None:
    """Migrate the copied file, and move its content into the home's database."""
    connect(file)
    connect(database)
    fill_from(file)
    for path in (file, *file.parent.glob(f"{file.name}-*")):
        path.unlink()


def _read_key(file: Path) -> bytes:
    try:
        key = bytes.fromhex(file.read_text(encoding="ascii"))
    except (OSError, ValueError):
        key = b""
    if len(key) != HOME_KEY_BYTES:
        raise UsageError(
            "home-key-unreadable",
            "{file} is not a home key.",
            next_step="Use a saved keys/home.key, or omit it and enter the credentials again.",
            file=file,
        )
    return key


def _org(app: Application, org: ProtectedOrg) -> RebuiltOrg:
    connector = app.connector(org.identity.connector)
    whole = nights(app.vault.snapshots(org.oid))
    writer = find_writer(org.oid) is not None
    needed = [secret.name for secret in connector.secrets(None)]
    return RebuiltOrg(
        org.name,
        org.identity.label,
        len(whole),
        whole[-1].as_of if whole else None,
        len(list_runs(org.name)),
        schedule_of(org.oid).schedule.nightly is not None,
        any(app.secrets(org.oid).get(name) for name in needed),
        any(app.writer_secrets(org.oid).get(name) for name in needed) if writer else None,
    )

"""Credentials of a bucket in a separate file: they replace the environment's, and never mix."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from unlost.model.errors import StoreError
from unlost.vault.stores.address import AZURE

ENDPOINTS = ("aws_endpoint_url_s3", "aws_endpoint_url", "aws_endpoint")
REGIONS = ("aws_region", "aws_default_region")
_LINE = re.compile(r"(?:export\s+)?((?:AWS|AZURE)_[A-Z0-9_]+)\s*=\s*(.*)")
_S3_KEY = ("aws_access_key_id", "aws_secret_access_key")
_AZURE_KEYS = {"azure_storage_account_key": "access_key", "azure_storage_sas_token": "sas_token"}
_ACCOUNT = "azure_storage_account_name"
_KNOWN = {*_S3_KEY, "aws_session_token", *ENDPOINTS, *REGIONS, *_AZURE_KEYS, _ACCOUNT}


def credentials_in(file: Path) -> dict[str, str]:
    """The credentials in a file, by the names of the client's settings.

    Raises StoreError (``credentials-unreadable``), which quotes nothing of the file.
    """
    try:
        lines = [line.strip() for line in file.read_text(encoding="utf-8").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise _of_no_use(file, "it cannot be read") from error
    read = [_LINE.fullmatch(line) for line in lines if line and not line.startswith("#")]
    values = {
        match[1].lower(): match[2].strip().strip("'\"") for match in read if match is not None
    }
    if not values or None in read:
        raise _of_no_use(file, "each line must be AWS_…=… or AZURE_…=…")
    if not values.keys() <= _KNOWN:
        raise _of_no_use(file, "it contains an unknown name")
    return values


def client_settings(file: Path, *, kind: str) -> dict[str, Any]:
    """The settings by which a client uses the file's credentials and none of the environment's.

    Raises StoreError (``credentials-unreadable``).
    """
    credentials = credentials_in(file)
    key = _azure_key(credentials) if kind == AZURE else _s3_key(credentials)
    if key is None:
        raise _of_no_use(file, "it has no complete key for this type of store")
    settings: dict[str, Any] = {"credential_provider": key, "skip_signature": False}
    if kind == AZURE and credentials.get(_ACCOUNT):
        settings["account_name"] = credentials[_ACCOUNT]
    return settings


def _s3_key(values: Mapping[str, str]) -> Callable[[], dict[str, Any]] | None:
    known, secret = (values.get(name) for name in _S3_KEY)
    if not known or not secret:
        return None
    key = {"access_key_id": known, "secret_access_key": secret, "expires_at": None}
    return lambda: {**key, "token": values.get("aws_session_token") or None}


def _azure_key(values: Mapping[str, str]) -> Callable[[], dict[str, Any]] | None:
    options = {kind: values[name] for name, kind in _AZURE_KEYS.items() if values.get(name)}
    if len(options) != 1:
        return None
    return lambda: {**options, "expires_at": None}


def _of_no_use(file: Path, why: str) -> StoreError:
    return StoreError(
        "credentials-unreadable",
        "The credentials in {file} cannot be used: {why}.",
        next_step="Write AWS_ACCESS_KEY_ID=… and AWS_SECRET_ACCESS_KEY=… into the file, one "
        "per line, and let the user of the service read it.",
        file=file,
        why=why,
    )

"""A service key file encrypted by another server: the vault opens only while that server allows it.

The content is the text of an ordinary key file. The vault does not know about it: its slot is that
of a key file. The server's address is in the file, never in the vault, so that write access to the
vault cannot redirect the token.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from unlost.model.decoders import decoder_for
from unlost.model.errors import NotAllowed
from unlost.vault.keys.service_key import READABLE, ServiceKey
from unlost.vault.keys.unlock import ByServiceKeyFile

if TYPE_CHECKING:
    from unlost.kit.http.transit import TransitKey

FIRST = "unlost-transit-key 0"
CREDENTIALS = "CREDENTIALS_DIRECTORY"  # systemd's folder of credentials for a unit


@dataclass(frozen=True, slots=True)
class Sealer:
    """The key of a transit engine that encrypts a key file, and the file with its access token.

    A token that is a bare name is a systemd credential.
    """

    address: str
    key: str
    token_file: str
    mount: str = "transit"
    ca_file: str = ""

    def absolute(self) -> "Sealer":
        """Return the same settings with absolute paths, independent of the working folder."""
        token, authority = self.token_file, self.ca_file
        return Sealer(
            self.address,
            self.key,
            str(Path(token).absolute()) if "/" in token else token,
            self.mount,
            str(Path(authority).absolute()) if authority else "",
        )

    def sealed(self, key: ServiceKey) -> str:
        """Return the text of a sealed key file for this key.

        Raises UsageError (``transit-unclear``), NotAllowed (``transit-token``,
        ``transit-refused``), TransientError (``transit-away``).
        """
        sealer = self.absolute()
        ciphertext = sealer._transit().seal(key.text(), token=sealer._token())
        file = _File(key.slot, ciphertext, sealer)
        return f"{FIRST}\n{msgspec.json.encode(file).decode()}\n"

    def opened(self, ciphertext: str) -> str:
        """Return the decrypted text; raises as ``sealed`` does."""
        return self._transit().open(ciphertext, token=self._token())

    def _transit(self) -> "TransitKey":
        # Its import would slow down the start of every command.
        from unlost.kit.http.transit import TransitKey

        return TransitKey(self.address, self.mount, self.key, self.ca_file)

    def _token(self) -> str:
        place = Path(self.token_file)
        if "/" not in self.token_file:
            place = Path(os.environ.get(CREDENTIALS, "/nowhere")) / self.token_file
        try:
            token = place.read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError):
            token = ""
        # It is sent as a header, so it must be a single ASCII word.
        if not token.isascii() or len(token.split()) != 1:
            raise NotAllowed(
                "transit-token",
                "There is no token for {address} in {file}.",
                next_step="Store a token there that may use the key and nothing else.",
                address=self.address,
                file=place,
            )
        return token


class _File(msgspec.Struct, forbid_unknown_fields=True):
    """The second line of a sealed key file."""

    slot: str
    ciphertext: str
    sealer: Sealer


def key_file(path: Path) -> ByServiceKeyFile:
    """Return a key provider for a key file, sealed or not."""
    return ByServiceKeyFile(path, unsealed=unsealed)


def unsealed(text: str) -> str:
    """Return the decrypted text of a sealed key file; other text is returned unchanged."""
    if not text.startswith(FIRST):
        return text
    file = _parsed(text)
    return file.sealer.opened(file.ciphertext)


def slot_of(path: Path) -> str:
    """Return the slot of a key file, without calling the server.

    Raises NotAllowed (``key-missing``, ``key-readable``, ``key-file-damaged``).
    """
    provider = ByServiceKeyFile(path)
    text = provider.text()
    return _parsed(text).slot if text.startswith(FIRST) else ServiceKey.parse(text).slot


def present_sealer(path: Path) -> Sealer | None:
    """Return the sealer of a key file; None if it is missing, damaged or not sealed.

    Raises NotAllowed (``key-readable``): otherwise its successor would be written unsealed.
    """
    try:
        text = ByServiceKeyFile(path).text()
        return _parsed(text).sealer if text.startswith(FIRST) else None
    except NotAllowed as error:
        if error.code == READABLE:
            raise
        return None


def _parsed(text: str) -> _File:
    try:
        _, line = text.strip().split("\n")
        return decoder_for(_File).decode(line)
    except (ValueError, msgspec.DecodeError):
        raise NotAllowed(
            "key-file-damaged",
            "The service key file is incomplete or damaged.",
            next_step="Restore the key file from a copy, or use the recovery sheet.",
        ) from None

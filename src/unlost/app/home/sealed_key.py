"""A key file of the service that another server seals: it opens the vault only while that one says so.

What is sealed is the text of an ordinary key file. The vault knows nothing of it: the slot is that of a
key file. Where to ask stands in the file, never in the vault, so that whoever writes to the vault cannot
lead the token elsewhere.
"""

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from unlost.model.decoders import decoder_for
from unlost.model.errors import NotAllowed
from unlost.vault.keys.unlock import ByServiceKeyFile, ServiceKey

if TYPE_CHECKING:
    from unlost.kit.http.transit import TransitKey

FIRST = "unlost-transit-key 0"
CREDENTIALS = "CREDENTIALS_DIRECTORY"  # where systemd puts what it hands to a unit


@dataclass(frozen=True, slots=True)
class Sealer:
    """Who seals a key file: a key of a transit engine, and the file with a token that may use it.

    A token that is a bare name is a credential of systemd.
    """

    address: str
    key: str
    token_file: str
    mount: str = "transit"
    ca_file: str = ""

    def absolute(self) -> "Sealer":
        """The same, whatever folder a process begins in."""
        token, authority = self.token_file, self.ca_file
        return Sealer(
            self.address,
            self.key,
            str(Path(token).absolute()) if "/" in token else token,
            self.mount,
            str(Path(authority).absolute()) if authority else "",
        )

    def sealed(self, key: ServiceKey) -> str:
        """The text of a key file for this key.

        Raises UsageError (``transit-unclear``), NotAllowed (``transit-token``, ``transit-refused``),
        TransientError (``transit-away``).
        """
        sealer = self.absolute()
        ciphertext = sealer._transit().seal(key.text(), token=sealer._token())
        file = _File(key.slot, ciphertext, sealer)
        return f"{FIRST}\n{msgspec.json.encode(file).decode()}\n"

    def opened(self, ciphertext: str) -> str:
        """The text that was sealed; raises as ``sealed`` does."""
        return self._transit().open(ciphertext, token=self._token())

    def _transit(self) -> "TransitKey":
        from unlost.kit.http.transit import TransitKey  # it costs a start of every command

        return TransitKey(self.address, self.mount, self.key, self.ca_file)

    def _token(self) -> str:
        place = Path(self.token_file)
        if "/" not in self.token_file:
            place = Path(os.environ.get(CREDENTIALS, "/nowhere")) / self.token_file
        try:
            token = place.read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError):
            token = ""
        if not token.isascii() or len(token.split()) != 1:
            raise NotAllowed(
                "transit-token",
                f"There is no token for {self.address} in {place}.",
                next_step="Put a token there that may use the key, and nothing else.",
            )
        return token


class _File(msgspec.Struct, forbid_unknown_fields=True):
    """The second line of a sealed key file."""

    slot: str
    ciphertext: str
    sealer: Sealer


def key_file(path: Path) -> ByServiceKeyFile:
    """A way into the vault: by a key file, whether it is sealed or not."""
    return ByServiceKeyFile(path, unsealed=unsealed)


def unsealed(text: str) -> str:
    """The text of a key file as it was before it was sealed; one that is not stays as it is."""
    if not text.startswith(FIRST):
        return text
    file = _parsed(text)
    return file.sealer.opened(file.ciphertext)


def slot_of(path: Path) -> str:
    """The slot of a key file; nobody is asked. Raises NotAllowed (``key-missing``, ``key-file-damaged``)."""
    provider = ByServiceKeyFile(path)
    text = provider.text()
    return _parsed(text).slot if text.startswith(FIRST) else ServiceKey.parse(text).slot


def present_sealer(path: Path) -> Sealer | None:
    """Who seals the key file that is there; None where nobody does, or none is whole."""
    with suppress(NotAllowed):
        text = ByServiceKeyFile(path).text()
        return _parsed(text).sealer if text.startswith(FIRST) else None
    return None


def _parsed(text: str) -> _File:
    try:
        _, line = text.strip().split("\n")
        return decoder_for(_File).decode(line)
    except (ValueError, msgspec.DecodeError):
        raise NotAllowed(
            "key-file-damaged",
            "This is not a whole service key of Unlost.",
            next_step="Bring the key file back from its copy, or use the recovery sheet.",
        ) from None

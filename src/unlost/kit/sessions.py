"""Sessions that sign each call with a stored secret: a password, a bearer token, a key in a header.

The secret is read on first use and kept in memory. It never stands in an address, a log or an error.
"""

import base64
import re
import threading

from unlost.kit.http.once import SourceLabel
from unlost.model.errors import NotAllowed, UsageError
from unlost.model.ports.system import SecretStore

AUTHORIZATION = "Authorization"
# A text of other characters cannot be sent in a header (RFC 6750, 2.1). The HTTP library would
# refuse it with an error that repeats it.
_SENDABLE = re.compile(r"[\x21-\x7e]+")
_IN_USER_NAME = re.compile(r"[^:\x00-\x1f\x7f]+")  # RFC 7617, 2


def is_sendable(secret: str) -> bool:
    """True if a secret can be sent in a header as it is."""
    return _SENDABLE.fullmatch(secret) is not None


def needed(secrets: SecretStore, name: str) -> str:
    """A secret that must exist; raises NotAllowed (``secret-missing``)."""
    secret = secrets.get(name)
    if not secret:
        raise NotAllowed(
            "secret-missing",
            "The {secret} of this org is not stored.",
            next_step="Enter it again with `unlost org add` (for restores: `unlost org "
            "writer`). Existing backups are kept.",
            secret=_shown(name),
        )
    return secret


def _shown(name: str) -> str:
    return name.replace("_", " ")


class HeaderSession:
    """Signs calls with a stored secret in a header, such as an API key."""

    def __init__(
        self,
        header: str,
        *,
        secrets: SecretStore,
        stored_as: str = "api_key",
        source: SourceLabel | None = None,
    ) -> None:
        """``stored_as``: the name of its ``SecretField``; ``source`` is named in errors."""
        self.header = header
        self._secrets = secrets
        self._stored_as = stored_as
        self._source = source or SourceLabel()
        self._lock = threading.Lock()
        self._value: str | None = None

    def token(self) -> str:
        """The value of the header."""
        with self._lock:
            if self._value is None:
                self._value = self._read()
            return self._value

    def renew(self, stale: str) -> None:
        """Read the secret again, which another process may have replaced.

        Raises NotAllowed (``secret-refused``) if it is the same: to send a wrong password again
        could lock the user.
        """
        with self._lock:
            self._value = self._read()
            if self._value != stale:
                return
        raise NotAllowed(
            "secret-refused",
            "{source} does not accept the stored {secret}.",
            next_step="Check the user in the source. If the secret was changed there, enter it "
            "again with `unlost org add` (for restores: `unlost org writer`).",
            source=self._source.name,
            secret=_shown(self._stored_as),
        )

    def _read(self) -> str:
        return self._signature(needed(self._secrets, self._stored_as))

    def _signature(self, secret: str) -> str:
        """The value of the header for a secret; raises NotAllowed (``secret-unsendable``)."""
        if not is_sendable(secret):
            raise NotAllowed(
                "secret-unsendable",
                "The stored {secret} contains characters that cannot be sent.",
                next_step="Copy it again, without spaces and line ends.",
                secret=_shown(self._stored_as),
            )
        return secret


class BearerSession(HeaderSession):
    """Signs calls with a stored token (RFC 6750, 2.1), such as a personal access token."""

    def __init__(
        self,
        *,
        secrets: SecretStore,
        stored_as: str = "token",
        source: SourceLabel | None = None,
    ) -> None:
        """``stored_as``: the name of its ``SecretField``; ``source`` is named in errors."""
        super().__init__(AUTHORIZATION, secrets=secrets, stored_as=stored_as, source=source)

    def _signature(self, secret: str) -> str:
        return f"Bearer {super()._signature(secret)}"


class BasicSession(HeaderSession):
    """Signs calls with the name and the password of a user (RFC 7617, in UTF-8)."""

    def __init__(
        self,
        user: str,
        *,
        secrets: SecretStore,
        stored_as: str = "password",
        source: SourceLabel | None = None,
    ) -> None:
        """Raises UsageError (``user-name-unclear``) for a name that cannot be sent."""
        if not _IN_USER_NAME.fullmatch(user):
            raise UsageError(
                "user-name-unclear",
                "A user name must not be empty, and must not contain a colon or control characters.",
                next_step="Enter the name with which the user signs in.",
            )
        super().__init__(AUTHORIZATION, secrets=secrets, stored_as=stored_as, source=source)
        self._user = user

    def _signature(self, secret: str) -> str:
        return "Basic " + base64.b64encode(f"{self._user}:{secret}".encode()).decode()

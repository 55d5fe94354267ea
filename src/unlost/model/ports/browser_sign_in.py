"""The port of connectors whose orgs can be signed in to with a browser."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from unlost.model.errors import UnlostError
    from unlost.model.ports.source import Context
    from unlost.model.source.sign_in import SignInCode, SignInRequest


class BrowserSignIn(Protocol):
    """Leads a person through the sign-in page of an org (OAuth 2.0 with PKCE)."""

    def address(self, config: object, request: SignInRequest) -> str:
        """Return the address of the org's sign-in page; makes no call."""
        ...

    def redeem(self, config: object, context: Context, answer: SignInCode) -> None:
        """Exchange the code, and store the secrets of this sign-in in ``context.secrets``.

        Raises NotAllowed if the org refuses, or if its answer leads to a foreign host.
        """
        ...

    def refusal(self, config: object, *, error: str, description: str) -> UnlostError:
        """Return the error for a browser that returned without a code; makes no call."""
        ...

"""The next steps after a refused sign-in, in the words of one SaaS."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInWords:
    """Next steps by error code. The names of apps and addresses belong to the connector."""

    private_key_unreadable: str
    source_redirects: str
    sign_in_not_understood: str
    sign_in_not_lasting: str


NEUTRAL = SignInWords(
    private_key_unreadable="Store the private key of the certificate that the source knows.",
    source_redirects="Check the address of the org, and the proxies between this machine and the "
    "source.",
    sign_in_not_understood="Check the address of the org.",
    sign_in_not_lasting="Allow the app to renew a sign-in. Then sign in again.",
)

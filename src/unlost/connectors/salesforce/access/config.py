"""A person's settings for a Salesforce org: plain values, no secrets."""

import re
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

from unlost.kit.addresses import is_safe
from unlost.kit.settings import setting
from unlost.model.errors import UsageError

NAME = "salesforce"
LOWEST_VERSION = 60.0
MY_DOMAIN = re.compile(r"[a-z0-9.-]+\.(my|sandbox\.my)\.salesforce\.com", re.IGNORECASE)
LOWEST_OVERLAP = 10  # minutes: a transaction may stay open that long after it set its stamps


class AuthFlow(StrEnum):
    """The OAuth flow of the sign-in. The secret that each needs is in the secret store."""

    CLIENT_CREDENTIALS = "client-credentials"  # secret: client_secret
    JWT_BEARER = "jwt-bearer"  # secret: private_key (PEM)
    REFRESH_TOKEN = "refresh-token"  # noqa: S105  secrets: refresh_token, client_secret


@dataclass(frozen=True, slots=True)
class SalesforceConfig:
    """Settings of an org. Each field carries its label and help text as metadata, for forms.

    ``overlap_minutes``: how far each backup reads back behind the start of the last one, because a
    slow transaction becomes visible with an older stamp. ``bulk_above``: a table with at most this
    many rows is read by REST, which takes fewer calls and no waiting.
    """

    login_url: str = setting(
        "Address", "The org's My Domain, such as https://acme.my.salesforce.com.", leads=True
    )
    client_id: str = setting(
        "Consumer key", "From the External Client App for Unlost.", personal=True
    )
    auth: AuthFlow = setting("Sign-in", "How Unlost signs in.", default=AuthFlow.CLIENT_CREDENTIALS)
    username: str = setting(
        "User name",
        "The name of the user in Salesforce. Only for the JWT sign-in.",
        default="",
        personal=True,
    )
    audience: str = setting(
        "JWT audience", "Only if the org requires a special audience.", default="", leads=True
    )
    api_version: float = setting(
        "API version", "Keep 66.0 unless you need another version.", default=66.0
    )
    overlap_minutes: int = setting(
        "Overlap", "Minutes that each backup reads again. At least 10.", default=60
    )
    include: tuple[str, ...] = setting(
        "Only these tables", "API names. Leave empty for all tables.", default=()
    )
    exclude: tuple[str, ...] = setting(
        "Excluded tables", "API names. These tables are not protected.", default=(), leaves_out=True
    )
    bulk_above: int = setting(
        "Bulk API above", "Rows. Larger tables are read with Bulk API 2.0.", default=2_000
    )
    page_rows: int = setting(
        "Rows per page", "Of a Bulk API result. An incomplete page is read again.", default=50_000
    )
    parallel_pages_above: int = setting(
        "Parallel pages above",
        "Rows. The pages of larger tables are read in parallel: faster, with twice the memory.",
        default=1_000_000_000,
    )
    linked_parents: int = setting(
        "File links by parent",
        "Without Query All Files, tables up to this size are queried for their file links.",
        default=20_000,
    )
    compress: bool = setting("Compression", "Request responses compressed with gzip.", default=True)

    def __post_init__(self) -> None:
        if MY_DOMAIN.fullmatch(self.login_url.strip()):  # as Salesforce shows it, without https
            object.__setattr__(self, "login_url", f"https://{self.login_url.strip()}")
        problem = self._problem()
        if problem is not None:
            raise problem

    def _problem(self) -> UsageError | None:
        if not is_safe(self.login_url):
            return _invalid(
                "{address} is not an https address.",
                "Use the My Domain of the org, such as https://acme.my.salesforce.com.",
                address=self.login_url or "The empty address",
            )
        if not self.client_id:
            return _invalid("The consumer key is missing.", "Copy it from the External Client App.")
        if self.auth is AuthFlow.JWT_BEARER and not self.username:
            return _invalid(
                "The JWT sign-in needs a user name.", "Enter the name of the user in Salesforce."
            )
        if self.api_version < LOWEST_VERSION:
            return _invalid(
                "API version {version} is too old.",
                "Use {lowest} or newer.",
                version=self.api_version,
                lowest=LOWEST_VERSION,
            )
        if self.overlap_minutes < LOWEST_OVERLAP:
            return _invalid(
                "An overlap of {minutes} minutes can lose late changes.",
                "Use {lowest} minutes or more; 60 is usual.",
                minutes=self.overlap_minutes,
                lowest=LOWEST_OVERLAP,
            )
        if min(self.page_rows, self.parallel_pages_above) < 1 or self.bulk_above < 0:
            return _invalid("Row counts must be positive.", "Use the default values.")
        return None

    @property
    def version(self) -> str:
        """The API version as in paths, such as ``v66.0``."""
        return f"v{self.api_version:.1f}"

    @property
    def token_url(self) -> str:
        """The token endpoint."""
        return f"{self._login_host}/services/oauth2/token"

    @property
    def authorize_url(self) -> str:
        """The page on which a person signs in."""
        return f"{self._login_host}/services/oauth2/authorize"

    @property
    def _login_host(self) -> str:
        address = urlsplit(self.login_url)
        return f"{address.scheme}://{address.netloc}"

    @property
    def jwt_audience(self) -> str:
        """The audience of assertions: the login host of the org's kind, unless it is set.

        Salesforce help, OAuth 2.0 JWT bearer flow: login.salesforce.com or test.salesforce.com.
        """
        if self.audience:
            return self.audience
        address = urlsplit(self.login_url)
        host = address.hostname or ""
        if re.search(r"\.sandbox\.my\.salesforce\.com$|^test\.salesforce\.com$", host):
            return "https://test.salesforce.com"
        if host.endswith(".salesforce.com"):
            return "https://login.salesforce.com"
        return f"{address.scheme}://{address.netloc}"


def _invalid(template: str, next_step: str, **args: object) -> UsageError:
    return UsageError("salesforce-settings", template, next_step=next_step, **args)

"""A person's settings for a ServiceNow instance: plain values, no secrets."""

import re
from dataclasses import dataclass
from enum import StrEnum

from unlost.kit.addresses import is_safe, origin
from unlost.kit.settings import setting
from unlost.model.errors import UsageError

NAME = "servicenow"
INSTANCE = re.compile(r"[a-z0-9-]+\.service-now\.com", re.IGNORECASE)
LOWEST_OVERLAP = 5  # minutes: a transaction sets its stamps before it becomes visible
MOST_ROWS = 10_000  # REST API reference, Table API: the default of sysparm_limit


class ServiceNowAuth(StrEnum):
    """The method of the sign-in. The secrets that each needs are in the secret store."""

    BASIC = "basic"  # secret: password
    CLIENT_CREDENTIALS = "client-credentials"  # secret: client_secret
    PASSWORD = "password"  # noqa: S105  secrets: password, client_secret


WITH_USER = frozenset({ServiceNowAuth.BASIC, ServiceNowAuth.PASSWORD})


@dataclass(frozen=True, slots=True)
class ServiceNowConfig:
    """Settings of an instance. Each field carries its label and help text as metadata, for forms.

    ``overlap_minutes``: how far each backup reads back behind the start of the last one.
    ``page_rows``: rows that a call asks for; an instance that takes too long is asked for fewer.
    """

    url: str = setting("Address", "The instance, such as https://acme.service-now.com.", leads=True)
    auth: ServiceNowAuth = setting("Sign-in", "How Unlost signs in.", default=ServiceNowAuth.BASIC)
    username: str = setting(
        "User name",
        "The user ID of the user. Only for sign-ins with a password.",
        default="",
        personal=True,
    )
    client_id: str = setting(
        "Client ID", "From the application registry. Only for OAuth.", default="", personal=True
    )
    overlap_minutes: int = setting(
        "Overlap", "Minutes that each backup reads again. At least 5.", default=15
    )
    include: tuple[str, ...] = setting(
        "Only these tables", "Names. Leave empty for all tables.", default=()
    )
    exclude: tuple[str, ...] = setting(
        "Excluded tables", "Names. These tables are not protected.", default=(), leaves_out=True
    )
    create_requests: bool = setting(
        "Create requests",
        "Only for the write user. Restored requests may start their flow, approval mails and SLAs "
        "again.",
        default=False,
    )
    page_rows: int = setting(
        "Rows per page", "Rows that one call reads, 10,000 at most.", default=2_000
    )

    def __post_init__(self) -> None:
        address = self.url.strip().rstrip("/")
        if INSTANCE.fullmatch(address):  # as people write it, without https
            address = f"https://{address}"
        object.__setattr__(self, "url", address)
        problem = self._problem()
        if problem is not None:
            raise problem

    def _problem(self) -> UsageError | None:
        if not is_safe(self.url) or origin(self.url) is None:
            return _invalid(
                "{address} is not an https address.",
                "Use the address of the instance, such as https://acme.service-now.com.",
                address=self.url or "The empty address",
            )
        if self.auth in WITH_USER and not self.username:
            return _invalid("The user name is missing.", "Enter the user ID of the backup user.")
        if self.auth is not ServiceNowAuth.BASIC and not self.client_id:
            return _invalid(
                "The client ID is missing.", "Copy it from System OAuth > Application Registry."
            )
        if self.overlap_minutes < LOWEST_OVERLAP:
            return _invalid(
                "An overlap of {minutes} minutes can lose late changes.",
                "Use {lowest} minutes or more; 15 is usual.",
                minutes=self.overlap_minutes,
                lowest=LOWEST_OVERLAP,
            )
        if not 1 <= self.page_rows <= MOST_ROWS:
            return _invalid(
                "A page cannot have {rows} rows.",
                "Use a number from 1 to 10,000; 2,000 is usual.",
                rows=self.page_rows,
            )
        return None

    @property
    def host(self) -> str:
        """Scheme, host and port of the instance."""
        return origin(self.url) or ""

    @property
    def token_url(self) -> str:
        """The token endpoint (ServiceNow docs, "OAuth Inbound and Outbound authentication")."""
        return f"{self.host}/oauth_token.do"


def _invalid(template: str, next_step: str, **args: object) -> UsageError:
    return UsageError("servicenow-settings", template, next_step=next_step, **args)

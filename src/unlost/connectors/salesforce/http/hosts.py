"""The hosts to which a session's token may be sent, and the links that stay there."""

from urllib.parse import urlsplit

from unlost.kit.addresses import is_safe, may_get_token, origin
from unlost.model.errors import IntegrityError, NotAllowed

# Domains in which Salesforce serves its APIs: My Domain and instances, the government cloud,
# Database.com, and Salesforce on Alibaba Cloud (Salesforce help, My Domain URL formats). Domains of
# customers' pages, such as force.com and site.com, are not among them.
SERVICE_DOMAINS = frozenset(
    {"salesforce.com", "salesforce.mil", "database.com", "cloudforce.com", "sfcrmproducts.cn"}
)
DATA = "/services/data/"


def instance_of(address: str, *, login: str) -> str:
    """The org's own host as ``https://host``, from the sign-in at ``login``.

    Raises NotAllowed (``salesforce-instance``) if the token must not be sent there.
    """
    instance = origin(address)
    if instance is None or not is_safe(instance):
        raise NotAllowed(
            "salesforce-instance",
            "The sign-in response contains no https address of the org.",
            next_step="Check the address of the org.",
        )
    if not may_get_token(instance, login=login, domains=SERVICE_DOMAINS):
        raise NotAllowed(
            "salesforce-instance-foreign",
            "The sign-in at {login} leads to {instance}, which does not belong to it. The token was "
            "not sent there.",
            next_step="Check the address of the org, and ask its administrator. Existing backups "
            "are not affected.",
            login=login,
            instance=instance,
        )
    return instance


def path_of(link: str, *, host: str) -> str:
    """The path of a link in an answer of ``host``; raises IntegrityError if it leads elsewhere."""
    path = link
    if origin(link) is not None:
        path = link[link.index("/", link.index("//") + 2) :] if link.count("/") > 2 else ""
    if origin(link) not in (None, host) or not _stays(path):
        raise IntegrityError(
            "salesforce-link-foreign",
            "Salesforce returned a link that leads outside of its API. It was not followed.",
            next_step="Run the backup again. If the problem persists, check the proxies between "
            "this machine and Salesforce.",
        )
    return path


def _stays(path: str) -> bool:
    """True for a path of the API, without a step up or a character that ends a header."""
    plain = path.isascii() and path.isprintable() and "\\" not in path and " " not in path
    steps = urlsplit(path).path.lower().replace("%2e", ".").split("/") if plain else []
    return plain and path.startswith(DATA) and not {".", ".."} & set(steps)

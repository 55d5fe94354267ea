"""A sign-in by browser to orgs in memory: gives codes, and checks what comes with them."""

from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlencode, urlsplit

from homes import SECRET, MemoryConfig, MemoryConnector
from unlost.app.orgs.sign_in_state import challenge_of
from unlost.model.errors import NotAllowed, UnlostError
from unlost.model.ports.source import Context
from unlost.model.source.sign_in import SignInCode, SignInMethod, SignInMethods, SignInRequest

HOST = "https://login.memory.example"
PASSWORD = SignInMethod("password", "Password", "You type a password.", ("quiet",), ("password",))
BROWSER = SignInMethod(
    "browser", "Sign in with Memory", "You sign in there.", secrets=("token",), browser=True
)
RULES = SignInMethods(
    "method", (BROWSER, PASSWORD), frozenset({"quiet"}), frozenset({"memory-sign-in"})
)


@dataclass(frozen=True, slots=True)
class ConfigWithMethod(MemoryConfig):
    method: str = "password"


@dataclass
class FakeBrowser:
    """The login host. ``codes`` are those it gave, with the challenge that each belongs to."""

    password: str = SECRET
    codes: dict[str, str] = field(default_factory=dict)
    redeemed: list[SignInCode] = field(default_factory=list)
    seen: list[dict[str, str]] = field(default_factory=list)

    def address(self, config: object, request: SignInRequest) -> str:
        query = {
            "state": request.state, "challenge": request.challenge, "redirect": request.redirect,
        }  # fmt: skip
        return f"{HOST}/authorize?{urlencode(query)}"

    def allow(self, address: str) -> dict[str, str]:
        """A person signs in at the address; returns the parameters of the way back."""
        query = dict(parse_qsl(urlsplit(address).query))
        code = f"code-{len(self.codes)}"
        self.codes[code] = query["challenge"]
        return {"code": code, "state": query["state"]}

    def redeem(self, config: object, context: Context, answer: SignInCode) -> None:
        self.redeemed.append(answer)
        self.seen.append({"token": context.secrets.get("token") or ""})
        challenge = self.codes.pop(answer.code, None)
        if challenge is None or challenge != challenge_of(answer.verifier):
            raise NotAllowed("memory-code", "The code is not valid.", next_step="Sign in again.")
        context.secrets.put("password", self.password)

    def refusal(self, config: object, *, error: str, description: str) -> UnlostError:
        return NotAllowed("memory-denied", "The access was denied: {why}.", why=error)


def with_browser(connector: MemoryConnector) -> FakeBrowser:
    """Let orgs in memory be signed in to by browser, as the first choice."""
    browser = FakeBrowser()
    connector.config = ConfigWithMethod
    connector.sign_in_rules, connector.browser = RULES, browser
    return browser

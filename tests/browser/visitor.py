"""Somebody at the console: with a browser that notes whatever goes wrong, and keys alone."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import BrowserContext, ConsoleMessage, Locator, Page, Response

AXE = Path(__file__).parents[2] / ".browser" / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
FARTHEST = 300  # keys until what is looked for must have been reached


@dataclass
class Visitor:
    """A person with one tab open at the console."""

    context: BrowserContext
    url: str
    page: Page = field(init=False)
    wrong: list[str] = field(default_factory=list)
    acts: int = 0  # what counts as a click: an act on a control, not typing
    allowed: set[int] = field(default_factory=set)  # statuses that a test asks for on purpose

    def __post_init__(self) -> None:
        self.page = self.context.new_page()
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.wrong.append(f"error: {error}"))
        self.page.on("response", self._answered)

    def open(self, path: str) -> None:
        """Go to a page by its address."""
        self.page.goto(self.url + path)

    def reach(self, target: Locator) -> None:
        """Move the focus to something with the tab key alone."""
        for _ in range(FARTHEST):
            if target.evaluate("(element) => element === document.activeElement"):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"{target} cannot be reached by keys")

    def press(self, target: Locator, key: str = "Enter") -> None:
        """Act on a control: this counts as a click."""
        self.reach(target)
        self.acts += 1
        with self.page.expect_navigation():
            self.page.keyboard.press(key)

    def tick(self, target: Locator) -> None:
        """Tick a box: this counts as a click."""
        self.reach(target)
        self.acts += 1
        self.page.keyboard.press("Space")

    def type(self, target: Locator, text: str) -> None:
        """Write into a field; typing is no click."""
        self.reach(target)
        target.press("Control+a")
        self.page.keyboard.insert_text(text)

    def send(self) -> None:
        """Enter in a field sends its form; that is typing too."""
        with self.page.expect_navigation():
            self.page.keyboard.press("Enter")

    def violations(self, rules: Sequence[str] | None = None) -> Sequence[str]:
        """What axe finds wrong on the page: by all rules of RULES, or by some."""
        if rules == ():
            return []
        if not self.page.evaluate("'axe' in window"):
            self.page.add_script_tag(path=AXE)
        only = (
            {"type": "tag", "values": RULES}
            if rules is None
            else {"type": "rule", "values": list(rules)}
        )
        # To describe all that is right, too, takes axe longer than to look.
        options = {"runOnly": only, "resultTypes": ["violations"]}
        found = self.page.evaluate("(options) => axe.run(document, options)", options)
        return [_told(one) for one in found["violations"]]

    @contextmanager
    def expecting(self, *statuses: int) -> Iterator[None]:
        """Answers with these statuses are what the test is about."""
        before = set(self.allowed)
        self.allowed |= set(statuses)
        yield
        self.allowed = before

    def done(self) -> None:
        """Close the tab; raises AssertionError for whatever went wrong on the way."""
        self.page.close()
        assert not self.wrong, self.wrong

    def _said(self, message: ConsoleMessage) -> None:
        expected = message.text.startswith("Failed to load resource") and self.allowed
        if message.type in ("error", "warning") and not expected:
            self.wrong.append(f"console: {message.text}")

    def _answered(self, response: Response) -> None:
        if response.status >= 400 and response.status not in self.allowed:
            self.wrong.append(f"{response.status}: {response.url}")


def _told(violation: dict[str, Any]) -> str:
    places = [" ".join(node["target"]) for node in violation["nodes"]]
    return f"{violation['id']}: {violation['help']} at {places}"

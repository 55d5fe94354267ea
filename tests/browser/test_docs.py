"""The published pages in a window of 1280 pixels: no table and no code needs sideways scrolling."""

from pathlib import Path

from playwright.sync_api import Browser

from docs.site import build_site
from docs.test_pages import TOO_WIDE, WIDEST

WINDOW = {"width": 1280, "height": 900}
WIDE = """() => [
    ...[...document.querySelectorAll("article pre > code")].filter(
        (code) => code.scrollWidth > code.clientWidth),
    ...[...document.querySelectorAll("article table, article img")].filter((wide) =>
        wide.getBoundingClientRect().right > wide.closest("article").getBoundingClientRect().right),
].map((wide) => wide.tagName + ": " + wide.textContent.trim().slice(0, 60))"""


def test_nothing_is_wider_than_its_page(browser: Browser, tmp_path: Path) -> None:
    site = build_site(tmp_path)
    files = [file for file in site.rglob("*.html") if not page_of(file, site) & TOO_WIDE]
    assert len(files) > 50
    page = browser.new_context(viewport=WINDOW).new_page()
    wrong: dict[str, list[str]] = {}
    for file in files:
        page.goto(file.as_uri())
        if found := page.evaluate(WIDE):
            wrong[str(file.relative_to(site))] = found
    assert not wrong
    page.locator("article").evaluate(
        "(article, code) => article.innerHTML = `<div class='highlight'><pre><code>${code}`",
        "x" * (WIDEST + 8),
    )
    assert page.evaluate(WIDE), "code that is too wide would be noticed"


def page_of(file: Path, site: Path) -> set[str]:
    return {f"{file.parent.relative_to(site)}.md"}

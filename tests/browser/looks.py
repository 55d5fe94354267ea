"""A page as different people see it: in light and dark colours, on a phone, and in Arabic."""

from browser.conftest import Visit
from browser.test_pages import DARK, LIGHT, PICTURES, SMALL, unfit
from browser.visitor import Visitor

LOOKS = (
    ("light", LIGHT, "en-US"),
    ("dark", DARK, "en-US"),
    ("phone", SMALL, "en-US"),
    ("arabic", LIGHT, "ar"),
)


def look(visit: Visit, visitor: Visitor, name: str) -> None:
    """Open the visitor's page beside, in each look: nothing is wrong with it.

    Its policy does not let axe in. ``name`` of the pictures, with the name of a folder.
    """
    for called, dress, locale in LOOKS:
        beside = visit(
            bypass_csp=True, viewport=dress.window, color_scheme=dress.colours, locale=locale
        )
        beside.open(visitor.page.url.removeprefix(visitor.url))
        assert not unfit(beside, dress.rules), called
        picture = PICTURES / f"{name}-{called}.png"
        picture.parent.mkdir(parents=True, exist_ok=True)
        beside.page.screenshot(path=picture, full_page=True)

"""Every page in every dress: nothing that axe would object to, no error; a picture of each if asked for."""

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from browser.conftest import Console, Visit
from browser.people import confirm_if_asked
from browser.visitor import Visitor

PICTURES = Path(__file__).parents[2] / ".browser" / "pictures"
TAKE = "UNLOST_PICTURES"  # a variable that is set where pictures are to be taken
WIDE, PHONE = {"width": 1280, "height": 900}, {"width": 380, "height": 800}
ZOOMED = {"width": 320, "height": 256}  # 400 % of 1280
DRESSES: dict[str, tuple[Any, Any]] = {  # the window, and the colours
    "light": (WIDE, "light"),
    "dark": (WIDE, "dark"),
    "phone": (PHONE, "light"),
    "zoomed": (ZOOMED, "light"),
}
# Addresses that are no pages of their own, and why.
ELSEWHERE = {
    "file": "gives the bytes of a file",
    "start": "has its link used up by the first admin",
    "audit-export": "gives a file",
    "privacy-data": "gives a file",
    "alert": "leads to the page that repairs or explains the alert",
    **dict.fromkeys(
        (
            "restore", "plan-without", "plan-again", "plan-drop", "plan-run", "back-up", "run-retry",
            "run-act", "org-follow", "acknowledge", "channel-test", "channel-remove", "vault-verify", "vault-mirror",
            "token-drop", "person-unlock", "person-role", "person-role-take", "person-link",
            "person-remove", "person-return", "person-factors", "hidden-hide", "hidden-show", "searched-add", "searched-remove",
            "sso-remove", "audit-verify", "plan-records", "plan-give", "ticks",
            "keeping-rules", "keeping-forget", "hold-set", "hold-lift", "privacy-erase", "correct-all",
            "loss-dismiss", "loss-reopen", "console-address", "mass-expected", "mass-expect", "mass-mute",
            "mass-unsilence",
        ),
        "takes a form and leads back to a page",
    ),
    **dict.fromkeys(
        ("connect-scope", "connect-hour", "connect-checklist", "connect-start"),
        "steps of the wizard, looked at on its way",
    ),
    "connect-callback": "leads on to the next step",
    **dict.fromkeys(("plan", "plan-edit"), "looked at on the way of a restore"),
}  # fmt: skip


def named(patterns: list[Any], prefix: str = "") -> dict[str, str]:
    """Names of all our own addresses, with their routes."""
    found: dict[str, str] = {}
    for one in patterns:
        if isinstance(one, URLResolver):
            assert str(one.pattern) in {"account/", "api/v1/"}, "an include that nobody looks at"
        elif isinstance(one, URLPattern) and one.name is not None:
            found[one.name] = prefix + str(one.pattern)
    return found


@pytest.fixture(scope="module")
def pages(console: Console) -> dict[str, str]:
    """A path of each page, by its name."""
    hits = json.loads(console.unlost("find", "00400", "--json"))["hits"]
    account = next(hit for hit in hits if hit["table"] == "Account")
    record = f"/orgs/sales/records/Account/{account['record']}/"
    run = json.loads(console.unlost("runs", "--json"))["runs"][0]["run"]
    return {
        "home": "/",
        "find": "/find/?all=1&q=00400",
        "record": record,
        "record-fields": f"{record}fields/",
        "record-related": f"{record}related/",
        "record-files": f"{record}files/",
        "correct": f"{record}correct/",
        "compare": "/orgs/sales/compare/?table=Account",
        "lost": "/orgs/sales/lost/",
        "losses": "/losses/",
        "loss": "/orgs/sales/losses/1/",
        "mass-changes": "/orgs/sales/mass-changes/2/",
        "silences": "/orgs/sales/expected/",
        "runs": "/runs/",
        "run": f"/runs/{run}/",
        "orgs": "/orgs/",
        "connect": "/connect/",
        "org": "/orgs/sales/",
        "certificate": "/orgs/sales/certificate/latest/",
        "org-settings": "/orgs/sales/settings/",
        "org-checklist": "/orgs/sales/checklist/?check=1",
        "searched": "/orgs/sales/searched/?table=Account",
        "org-writer": "/orgs/sales/writer/",
        "storage": "/orgs/sales/storage/",
        "schedule": "/orgs/sales/schedule/",
        "keeping": "/orgs/sales/keeping/?daily=1",
        "privacy": f"/orgs/sales/privacy/?record=Account/{account['record']}",
        "storages": "/storage/",
        "alerts": "/alerts/",
        "channels": "/alerts/channels/",
        "channel-add": "/alerts/channels/add/email/",
        "schedules": "/schedules/",
        "vault": "/vault/",
        "checks": "/vault/checks/",
        "profile": "/settings/",
        "tokens": "/settings/tokens/",
        "people": "/settings/people/",
        "person-add": "/settings/people/add/",
        "person": "/settings/people/of/lena/",
        "hidden": "/settings/hidden/?org=sales",
        "sso": "/settings/sso/",
        "sso-saml": "/settings/sso/saml/",
        "audit": "/audit/",
        "style": "/style/",
        "connect-sign-in": "/connect/sign-in/",
    }


def test_no_page_is_forgotten(pages: dict[str, str]) -> None:
    names = set(named(get_resolver().url_patterns))
    assert names - set(ELSEWHERE) == set(pages), "say here where a new page is looked at"


@pytest.mark.parametrize(
    ("locale", "direction", "dresses"),
    [("en-US", "ltr", list(DRESSES)), ("ar", "rtl", ["light"])],
)
def test_pages_are_fit_for_everybody(
    locale: str, direction: str, dresses: list[str], pages: dict[str, str], visit: Visit
) -> None:
    wrong: dict[str, Any] = {}
    lena = visit(bypass_csp=True, viewport=WIDE, locale=locale)
    for name, path in pages.items():
        lena.open(path)
        confirm_if_asked(lena)
        assert lena.page.locator("html").get_attribute("dir") == direction
        for dress in dresses:
            size, colours = DRESSES[dress]
            lena.page.set_viewport_size(size)
            lena.page.emulate_media(color_scheme=colours)
            _picture(lena, f"{name}-{locale}-{dress}")
            if found := unfit(lena):
                wrong[f"{name} {dress}"] = found
    assert not wrong, json.dumps(wrong, indent=1)


def _picture(lena: Visitor, name: str) -> None:
    if TAKE in os.environ:
        PICTURES.mkdir(parents=True, exist_ok=True)
        lena.page.screenshot(path=PICTURES / f"{name}.png", full_page=True)


def unfit(lena: Visitor) -> list[str]:
    """What is wrong with the page in its present window."""
    found = list(lena.violations())
    if lena.page.evaluate("document.documentElement.scrollWidth > innerWidth + 1"):
        found.append("the page is wider than the window")
    return found


def test_every_answer_has_the_policy(console: Console, pages: dict[str, str], visit: Visit) -> None:
    lena = visit()
    for path in (*pages.values(), "/no-such-page/"):
        answer = lena.context.request.get(console.url + path)
        assert answer.status == (200 if path in pages.values() else 404)
        policy = answer.headers["content-security-policy"]
        assert "unsafe" not in policy
        assert re.search(r"default-src 'none'", policy)
        assert answer.headers["cache-control"] == "no-store"

"""Every page in every dress: nothing that axe would object to, no error; a picture of each if asked for.

All rules of axe hold for each page in English and in Arabic. In another window or other colours, only
the rules that these can break are asked again: axe takes a second for a page.
"""

import itertools
import json
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from browser.conftest import SECRET, Console, Visit
from browser.people import confirm_if_asked
from browser.visitor import Visitor
from unlost_simulators.process import SimulatorProcess

LOST = "0040017"  # the customer that the story of the simulator deletes
OVERWRITTEN = "+32 9 000 00 00"
NUMBERS = itertools.count(1)
PICTURES = Path(__file__).parents[2] / ".browser" / "pictures"
TAKE = "UNLOST_PICTURES"  # a variable that is set where pictures are to be taken
WIDE, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 800}
DOUBLE = {"width": 640, "height": 450}  # 200 % of 1280
ZOOMED = {"width": 320, "height": 256}  # 400 % of 1280


@dataclass(frozen=True)
class Dress:
    """A window and colours; ``rules`` of axe are asked, all of them if it is None."""

    window: Any
    colours: Any
    rules: tuple[str, ...] | None


LIGHT = Dress(WIDE, "light", None)
DARK = Dress(WIDE, "dark", ("color-contrast", "link-in-text-block"))
SMALL = Dress(PHONE, "light", ("target-size", "scrollable-region-focusable"))
DRESSES = {
    "en-US": {
        "light": LIGHT,
        "dark": DARK,
        "phone": SMALL,
        "double": Dress(DOUBLE, "light", ("target-size",)),
        "zoomed": Dress(ZOOMED, "light", ()),
    },
    "ar": {"light": LIGHT, "phone": SMALL},
}
# Words and numbers of which a line has only a part. Ids may break at their hyphens, and what is
# longer than a line of a phone anywhere; Chinese, Japanese and Thai have no spaces.
BROKEN_WORDS = r"""() => {
  const number = /(?<![\p{L}\p{N}-])\p{N}+(?:[.,:’\/-]\p{N}+)*%?(?![\p{L}\p{N}-])/u;
  const word = /[\p{L}\p{N}\p{M}_]+(?:[.'’@][\p{L}\p{N}\p{M}_]+)*/u;
  const tokens = new RegExp(`${number.source}|${word.source}`, "gu");
  const free = /[\p{sc=Han}\p{sc=Hira}\p{sc=Kana}\p{sc=Thai}]/u;
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const range = document.createRange();
  const broken = [];
  for (let text = texts.nextNode(); text; text = texts.nextNode()) {
    const holder = text.parentElement;
    if (!holder.checkVisibility() || holder.closest("svg, script, textarea, select, .sr")) continue;
    for (const found of text.data.matchAll(tokens)) {
      const token = found[0];
      const end = found.index + token.length;
      const before = text.data.slice(0, found.index).match(/\S*$/)[0];
      const after = text.data.slice(end).match(/^\S*/)[0];
      const run = before.length + token.length + after.length;
      if (token.length < 2 || run > 32 || free.test(token)) continue;
      range.setStart(text, found.index);
      range.setEnd(text, end);
      const lines = [...range.getClientRects()].filter((box) => box.width > 0);
      if (new Set(lines.map((box) => Math.round(box.top))).size > 1) broken.push(token);
    }
  }
  return broken;
}"""
# Addresses that are no pages of their own, and why.
ELSEWHERE = {
    "file": "gives the bytes of a file",
    "start": "has its link used up by the first admin",
    "audit-export": "gives a file",
    "privacy-data": "gives a file",
    "list-csv": "gives a file",
    "open": "leads to the related records",
    "archives": "leads to the archive of the only org",
    "alert": "leads to the page that repairs or explains the alert",
    **dict.fromkeys(
        (
            "restore", "plan-without", "plan-again", "plan-drop", "plan-run", "back-up", "run-retry",
            "run-act", "org-follow", "acknowledge", "channel-test", "channel-remove", "vault-verify", "vault-mirror",
            "vault-key-test",
            "token-drop", "person-unlock", "person-role", "person-role-take", "person-link",
            "person-remove", "person-return", "person-factors", "hidden-hide", "hidden-show", "searched-add", "searched-remove",
            "sso-remove", "audit-verify", "plan-give", "ticks",
            "keeping-rules", "keeping-forget", "hold-set", "hold-lift", "privacy-erase", "correct-all",
            "loss-dismiss", "loss-reopen", "console-address", "mass-expected", "mass-expect", "mass-mute",
            "mass-unsilence", "mass-limits-remove", "gap-accept", "gap-reopen",
            "put-back", "list-columns", "search-save", "search-remove",
            "watch-add", "watch-remove", "watch-back", "watch-alerts", "list-columns-back", "plan-approve", "plan-withdraw", "archive-policy-remove",
            "expired-request", "expired-approve", "expired-withdraw", "expired-erase",
        ),
        "takes a form and leads back to a page",
    ),
    **dict.fromkeys(
        ("connect-scope", "connect-hour", "connect-checklist", "connect-start"),
        "steps of the wizard, looked at on its way below",
    ),
    "connect-callback": "leads on to the next step",
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


@dataclass(frozen=True)
class Repairs:
    """Paths of two plans, of which the first waits for a second person, and of a restore."""

    waiting: str
    ready: str
    run: str


@pytest.fixture(scope="module")
def repairs(console: Console, watched: list[str]) -> Iterator[Repairs]:
    """Plans that were not run, and a restore of what the set's records had before."""
    hits = json.loads(console.unlost("find", LOST, "--json"))["hits"]
    lost = next(f"Account/{hit['record']}" for hit in hits if hit["table"] == "Account")
    changed = [word for key in watched for word in ("--record", key)]
    run = restored(console, *changed, "--column", "Phone", "--at", "1")
    console.unlost("org", "approval", "sales", "--records", "0")
    waiting = planned(console, "--record", lost)
    ready = planned(console, "--record", lost, "--no-related")
    console.unlost("org", "approval", "sales", "--records", "1")
    plans = "/orgs/sales/restores"
    yield Repairs(f"{plans}/{waiting}/", f"{plans}/{ready}/", f"/runs/{run}/")
    console.unlost("org", "approval", "sales", "--off")


def planned(console: Console, *words: str) -> str:
    """The id of a plan, whose file is in the home's folder."""
    file = console.home.with_name(f"plan-{next(NUMBERS)}.json")
    told = console.unlost("restore", "plan", "sales", *words, "--out", str(file), "--json")
    return str(json.loads(told)["summary"]["plan"])


def restored(console: Console, *words: str) -> str:
    """The id of a restore that ran."""
    file = console.home.with_name(f"plan-{next(NUMBERS)}.json")
    console.unlost("restore", "plan", "sales", *words, "--out", str(file))
    return str(json.loads(console.unlost("restore", "run", str(file), "--json"))["run"])


@pytest.fixture(scope="module")
def watched(console: Console) -> list[str]:
    """Three customers whose telephone numbers were overwritten before the second backup."""
    rows = console.simulator.admin.get("export", object="Account")["rows"]
    ids = [row["Id"] for row in rows if row["Phone"] == OVERWRITTEN]
    return [f"Account/{record}" for record in ids[:3]]


@pytest.fixture(scope="module")
def variants(pages: dict[str, str], repairs: Repairs) -> dict[str, str]:
    """Paths of pages that look different in another state, by a name for it."""
    return {
        "plan, ready": repairs.ready,
        "plan-compare, differences": f"{repairs.waiting}compare/?with={_last(repairs.ready)}",
        "run of a restore": repairs.run,
        "watch, live": f"{pages['watch']}?live=1",
    }


def pages_of(repairs: Repairs, lost: str) -> dict[str, str]:
    """The pages of a plan that brings an account back, and of a restore of accounts."""
    plan = repairs.waiting
    return {
        "plan": plan,
        "plan-records": f"{plan}records/Account/",
        "plan-group": f"{plan}groups/Account/?record={lost}",
        "plan-edit": f"{plan}edit/Account/{lost}/",
        "plan-compare": f"{plan}compare/",
        "run-records": f"{repairs.run}records/Account/",
    }


def _last(path: str) -> str:
    return path.strip("/").rpartition("/")[2]


ARCHIVES = {
    "archive-policy-new": "/orgs/sales/archive-policies/?table=Case",
    "archive-policy": "/orgs/sales/archive-policies/completed-tasks/",
    "expired": "/orgs/sales/expired/",
    "purge-ids": "/orgs/sales/purge/",
    "archive": "/orgs/sales/archive/",
}


@pytest.fixture(scope="module")
def pages(console: Console, watched: list[str], repairs: Repairs) -> dict[str, str]:
    """A path of each page, by its name."""
    hits = json.loads(console.unlost("find", "00400", "--json"))["hits"]
    account = next(hit for hit in hits if hit["table"] == "Account")
    record = f"/orgs/sales/records/Account/{account['record']}/"
    runs = json.loads(console.unlost("runs", "--json"))["runs"]
    run = next(line["run"] for line in runs if line["kind"] == "backup")
    members = [word for key in watched for word in ("--record", key)]
    console.unlost("watch", "add", "sales", "Shops", *members)
    lost = json.loads(console.unlost("find", LOST, "--json"))["best"]["record"]
    return {
        "home": "/",
        "find": "/find/?all=1&q=00400",
        "record": record,
        "record-fields": f"{record}fields/",
        "record-related": f"{record}related/",
        "record-files": f"{record}files/",
        "correct": f"{record}correct/",
        "correction": f"{record}correction/",
        "watches": "/watched/",
        "watch": "/orgs/sales/watched/Shops/",
        "compare": "/orgs/sales/compare/?table=Account",
        "lost": "/orgs/sales/lost/",
        "list": f"/orgs/sales/list/?kind=related&table=Contact&of=Account/{account['record']}",
        "losses": "/losses/",
        "loss": "/orgs/sales/losses/1/",
        "mass-changes": "/orgs/sales/mass-changes/2/",
        "silences": "/orgs/sales/expected/",
        "mass-limits": "/orgs/sales/thresholds/",
        "runs": "/runs/",
        "run": f"/runs/{run}/",
        **pages_of(repairs, lost),
        "orgs": "/orgs/",
        "connect": "/connect/",
        "org": "/orgs/sales/",
        "backups": "/orgs/sales/backups/",
        "certificate": "/orgs/sales/certificate/latest/",
        "org-settings": "/orgs/sales/settings/",
        "searched": "/orgs/sales/searched/?table=Account",
        "org-checklist": "/orgs/sales/checklist/?check=1",
        "org-writer": "/orgs/sales/writer/",
        "org-approval": "/orgs/sales/approval/",
        "org-bypass": "/orgs/sales/bypass/",
        "storage": "/orgs/sales/storage/",
        "schedule": "/orgs/sales/schedule/",
        "keeping": "/orgs/sales/keeping/?daily=1",
        "privacy": f"/orgs/sales/privacy/?record=Account/{account['record']}",
        **ARCHIVES,
        "storages": "/storage/",
        "alerts": "/alerts/",
        "channels": "/alerts/channels/",
        "channel-add": "/alerts/channels/add/email/",
        "schedules": "/schedules/",
        "vault": "/vault/",
        "vault-keys": "/vault/keys/",
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


@pytest.mark.timeout(900)
@pytest.mark.parametrize(("locale", "direction"), [("en-US", "ltr"), ("ar", "rtl")])
def test_pages_are_fit_for_everybody(
    locale: str, direction: str, pages: dict[str, str], variants: dict[str, str], visit: Visit
) -> None:
    wrong: dict[str, Any] = {}
    lena = visit(bypass_csp=True, viewport=WIDE, locale=locale)
    for name, path in {**pages, **variants}.items():
        lena.open(path)
        confirm_if_asked(lena)
        assert lena.page.locator("html").get_attribute("dir") == direction
        wrong |= unfit_dresses(lena, name, locale)
    assert not wrong, json.dumps(wrong, indent=1)


def unfit_dresses(lena: Visitor, name: str, locale: str) -> dict[str, list[str]]:
    """Put the page into each dress of the language; what is wrong with it, by the dress."""
    wrong: dict[str, list[str]] = {}
    for called, dress in DRESSES[locale].items():
        lena.page.set_viewport_size(dress.window)
        lena.page.emulate_media(color_scheme=dress.colours)
        _picture(lena, f"{name}-{locale}-{called}")
        if faults := unfit(lena, dress.rules):
            wrong[f"{name} {called}"] = faults
    lena.page.set_viewport_size(WIDE)
    lena.page.emulate_media(color_scheme="light")
    return wrong


@pytest.fixture(scope="module")
def further_org() -> Iterator[SimulatorProcess]:
    """An org that is not protected yet; its users may sign in at any address of ours."""
    with SimulatorProcess("--org", "more=chocolate") as simulator:
        yield simulator


@pytest.mark.timeout(600)
@pytest.mark.parametrize("locale", ["en-US", "ar"])
def test_steps_of_connecting_are_fit_for_everybody(
    console: Console, further_org: SimulatorProcess, visit: Visit, locale: str
) -> None:
    lena = visit(bypass_csp=True, viewport=WIDE, locale=locale)
    page, wrong = lena.page, {}

    def look(step: str) -> None:
        wrong.update(unfit_dresses(lena, step, locale))

    lena.open("/connect/")
    lena.type(page.locator("input[name=name]"), f"more-{locale.lower()}")
    lena.press(page.locator("main button.main"))
    for method in ("refresh-token", "client-credentials"):
        choice = page.locator(f"button[name=choose][value={method}]")
        if choice.count():  # else it is the one that is shown
            lena.press(choice)
        look(f"connect-sign-in, {method}")
    address = page.locator("input[name^=login_url]:not([type=radio])")
    lena.type(address, further_org.url)
    lena.type(page.locator("input[name=client_id]"), "chocolate-backup")
    lena.type(page.locator("input[name^='secret-']"), SECRET)
    lena.press(page.locator("main button.main"))
    page.locator("#tables").wait_for(timeout=60_000)
    look("connect-checklist")
    lena.press(page.locator("#tables"))
    look("connect-scope")
    lena.press(page.locator("main .actions > button.main"))
    look("connect-hour")
    assert not wrong, json.dumps(wrong, indent=1)


def _picture(lena: Visitor, name: str) -> None:
    if TAKE in os.environ:
        PICTURES.mkdir(parents=True, exist_ok=True)
        lena.page.screenshot(path=PICTURES / f"{name}.png", full_page=True)


def unfit(lena: Visitor, rules: Sequence[str] | None = None) -> list[str]:
    """What is wrong with the page in its present window, by all rules of axe or by some."""
    found = _violations(lena, rules)
    if lena.page.evaluate("document.documentElement.scrollWidth > innerWidth + 1"):
        found.append("the page is wider than the window")
    return [*found, *(f"broken inside: {word}" for word in lena.page.evaluate(BROKEN_WORDS))]


def _violations(lena: Visitor, rules: Sequence[str] | None) -> list[str]:
    """What axe objects to; a box that the bar of actions half covers counts if it always does."""
    found = list(lena.violations(rules))
    for down in (14, 28):  # pixels: no box of 24 is cut at all three places
        if any(fault.startswith("target-size") for fault in found):
            lena.page.evaluate(f"scrollTo(0, {down})")
            again = list(lena.violations(rules))
            found = [fault for fault in found if fault in again]
    lena.page.evaluate("scrollTo(0, 0)")
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

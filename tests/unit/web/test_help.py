"""Help on each page, in a few sentences; and the way to each part from every page."""

import re

import pytest

from homes import World
from unit.web.conftest import SignIn

PAGES = [
    "/",
    "/find/",
    "/orgs/",
    "/orgs/sales/",
    "/orgs/sales/certificate/latest/",
    "/orgs/sales/settings/",
    "/orgs/sales/checklist/",
    "/orgs/sales/writer/",
    "/orgs/sales/storage/",
    "/orgs/sales/schedule/",
    "/orgs/sales/keeping/",
    "/orgs/sales/backups/",
    "/orgs/sales/privacy/",
    "/connect/",
    "/alerts/",
    "/alerts/channels/",
    "/alerts/channels/add/slack/",
    "/schedules/",
    "/vault/",
    "/vault/checks/",
    "/orgs/sales/compare/",
    "/orgs/sales/lost/",
    "/losses/",
    "/orgs/sales/expected/",
    "/orgs/sales/thresholds/",
    "/orgs/sales/list/?kind=matches&table=Account&q=nothing",
    "/runs/",
    "/audit/",
    "/settings/",
    "/settings/tokens/",
    "/settings/people/",
    "/settings/hidden/?org=sales",
    "/settings/sso/",
]


@pytest.mark.parametrize("page", PAGES)
def test_each_page_explains_itself(world: World, sign_in: SignIn, page: str) -> None:
    told = sign_in().get(page).content.decode()
    sheet = re.search(r'<div class="sheet">(.*?)</div>', told, re.DOTALL)
    assert sheet is not None
    assert 3 <= sheet[1].count("<p>") <= 6
    assert "This page" not in sheet[1], "it is the help of this page, not that of any"


@pytest.mark.parametrize("page", PAGES)
def test_no_page_brings_styles_or_scripts_of_its_own(
    world: World, sign_in: SignIn, page: str
) -> None:
    told = sign_in().get(page).content.decode()
    assert not re.search(r"<style|\sstyle=|<script(?! src=)|\son[a-z]+=|hx-on|hx-boost", told)


@pytest.mark.parametrize("page", PAGES)
def test_every_field_has_a_label(world: World, sign_in: SignIn, page: str) -> None:
    told = sign_in().get(page).content.decode()
    told = re.sub(r"<label[^>]*>(?:(?!</label>).)*</label>", _without_fields, told, flags=re.DOTALL)
    fields = re.findall(r'<(?:input|select|textarea)\b(?![^>]*type="hidden")[^>]*>', told)
    for field in fields:
        found = re.search(r'\bid="([^"]+)"', field)
        assert found is not None, field
        assert f'for="{found[1]}"' in told, field


def _without_fields(label: re.Match[str]) -> str:
    """A label without the fields that stand in it, which it names if it has words of its own."""
    bare = re.sub(
        r"<select.*?</select>|<textarea.*?</textarea>|<input[^>]*>", "", label[0], flags=re.DOTALL
    )
    assert re.sub(r"<[^>]+>", "", bare).strip(), label[0]
    return bare

"""The page with all pieces: for who works on the look, and for nobody else."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings
from django.utils.safestring import SafeString

from homes import World
from unit.web.conftest import SignIn
from unlost.web.templatetags.unlost import day, instant


def test_all_pieces_are_on_one_page_where_it_is_asked_for(
    world: World, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = sign_in()
    assert client.get("/style/").status_code == 404
    monkeypatch.setattr(settings, "STYLE_PAGE", True)
    answer = client.get("/style/")
    assert answer.status_code == 200
    page = answer.content.decode()
    for piece in ("problem", "timeline", "diff", "chart", "rows", "pill", "gauge", "errorlist"):
        assert f'class="{piece}' in page or f"{piece} " in page, piece


def test_a_zone_that_a_template_named_could_not_be_stored_any_more() -> None:
    """Python keeps zones by their names: a marked text stayed in one for all."""
    ZoneInfo.clear_cache()
    now = datetime(2026, 3, 2, tzinfo=UTC)
    assert "01:00" in instant(now, SafeString("Europe/Vaduz"))
    assert "2026" in day(now, SafeString("Europe/Vaduz"))
    assert type(ZoneInfo("Europe/Vaduz").key) is str

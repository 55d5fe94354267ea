"""The page with all pieces: for who works on the look, and for nobody else."""

import pytest
from django.conf import settings

from homes import World
from unit.web.conftest import SignIn


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

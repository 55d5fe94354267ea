"""A fault of ours: people read a plain page, the log where it was, and nobody what it was about."""

import json

import pytest

from homes import World
from unit.web.conftest import SignIn
from unlost.web.pages.alerts import overview


def test_a_page_that_breaks_says_so_and_the_log_where(
    world: World,
    sign_in: SignIn,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def breaks(app: object) -> None:
        raise ValueError("Anna's phone is 0041")

    client = sign_in()
    client.raise_request_exception = False
    monkeypatch.setattr(overview, "overview", breaks)
    answer = client.get("/")
    assert answer.status_code == 500
    page = answer.content.decode()
    assert "Internal error in Unlost" in page
    assert '<main id="main">' in page, "a part of a page that is asked for again shows it too"
    (line,) = [one for one in capsys.readouterr().err.splitlines() if "page-broke" in one]
    told = json.loads(line)
    assert (told["page"], told["error"]) == ("home", "ValueError")
    assert told["where"].startswith("test_failing.py:")
    assert "overview.py:" in told["where"]
    assert "Anna" not in page + line

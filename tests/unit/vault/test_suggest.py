"""“Did you mean”: a typing mistake gets the words that are alike."""

import pytest

from smallvault import SmallVault
from unlost.model.source.hidden_columns import hidden_columns
from unlost.vault.read import suggest as suggesting

NAMES = ["Confiserie Sonnenschein", "Özlem Yıldız-Großmann", "K-0040017", "Kai", "Sonnenblume",
         "Sonne Berlin", "東京ショコラ"]  # fmt: skip


@pytest.fixture(params=["whole", "by beginnings"])
def small(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> SmallVault:
    if request.param == "by beginnings":
        monkeypatch.setattr(suggesting, "MOST_ROWS", 12)
    small = SmallVault()
    small.night("r1", *((str(n), "U", {"Name": name}) for n, name in enumerate(NAMES)))
    return small


def suggested(small: SmallVault, text: str, limit: int = 3) -> tuple[str, ...]:
    return small.vault.search_help(small.org, text, limit=limit).suggestions


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("Sonenschein", "Sonnenschein"),
        ("Sonnenschien", "Sonnenschein"),
        ("sonnenshein", "Sonnenschein"),
        ("snonenschein", "Sonnenschein"),
        ("confisserie sonnenschein", "Confiserie sonnenschein"),
        ("Grosmann", "Großmann"),
        ("Großmannn", "Großmann"),
        ("yildis", "Yıldız"),
        ("0040071", "0040017"),
        ("ozlm", "Özlem"),
    ],
)
def test_a_typing_mistake(small: SmallVault, text: str, first: str) -> None:
    assert suggested(small, text)[:1] == (first,)


@pytest.mark.parametrize("text", ["", "kia", "unknown", "Sonnenwende", "東京ショコロ"])
def test_nothing_is_alike(small: SmallVault, text: str) -> None:
    assert suggested(small, text) == ()


def test_as_many_as_wanted(small: SmallVault) -> None:
    assert suggested(small, "sonnn", limit=0) == ()
    assert len(suggested(small, "sonnenschei", limit=1)) == 1


def test_values_of_the_past_are_not_suggested(small: SmallVault) -> None:
    small.night("r2", ("0", "U", {"Name": "Renamed"}))
    assert suggested(small, "Sonenschein") == ()


def test_values_of_hidden_columns_are_not_suggested(small: SmallVault) -> None:
    visible = small.vault.visible({small.org: hidden_columns([("Thing", "Name")])})
    assert visible.search_help(small.org, "Sonenschein").suggestions == ()


def test_an_empty_vault() -> None:
    empty = SmallVault()
    assert empty.vault.search_help(empty.org, "anything").suggestions == ()

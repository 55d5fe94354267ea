"""Long ids and addresses may go on in the next line at their joints; words never break inside."""

import re

import pytest

from unlost.web.templatetags.unlost import LONGEST_TOKEN, breakable, cell_text, code, translated

MAIL = "friedrich-wilhelm.von-der-heide@confiserie-sonnenschein.example"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Schokolade",
        "1,196",
        "lotte.devos@chocolate.example",
        "001Ak00000000017AAA",
        "<b> & 'c'",
    ],
)
def test_short_texts_have_no_marks(text: str) -> None:
    assert "<wbr>" not in breakable(text)


def test_a_long_address_may_break_behind_its_joints() -> None:
    assert breakable(f"to {MAIL}").split("<wbr>") == [
        "to friedrich-", "wilhelm.", "von-", "der-", "heide@", "confiserie-", "sonnenschein.", "example",
    ]  # fmt: skip


def test_digits_without_joints_break_in_even_parts() -> None:
    assert [len(part) for part in breakable("7" * 70).split("<wbr>")] == [32, 32, 6]


@pytest.mark.parametrize(
    "text", [MAIL, "a" * 99, f"x {'&<' * 40} y", f"{'https://x.example/' * 4}\n{MAIL}"]
)
def test_marks_change_no_text_and_nothing_escapes_from_its_cell(text: str) -> None:
    shown = breakable(text)
    assert "<" not in shown.replace("<wbr>", "")
    plain = shown.replace("<wbr>", "").replace("&lt;", "<").replace("&amp;", "&")
    assert plain == text
    pieces = re.split(r"<wbr>|\s", shown.replace("&amp;", "&").replace("&lt;", "<"))
    assert max(map(len, pieces)) <= LONGEST_TOKEN


def test_ids_and_cells_are_marked() -> None:
    assert "<wbr>" in code("f" * 64)
    assert "<wbr>" in cell_text(MAIL)
    assert cell_text(f"{MAIL} " * 20).count("<wbr>") > 100


def test_dates_in_sentences_stay_in_one_line() -> None:
    shown = translated("The key ends on 2026-12-01 at <noon>, 2026-12-02 09:30 at the latest.")
    assert shown == (
        'The key ends on <span class="nowrap">2026-12-01</span> at &lt;noon&gt;, '
        '<span class="nowrap">2026-12-02 09:30</span> at the latest.'
    )
    assert translated("No <date> here.") == "No <date> here."  # the template escapes it
    assert translated(None) == ""

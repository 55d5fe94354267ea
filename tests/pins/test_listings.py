"""Names, values of enums and digests that are stored outside documents stay."""

import pytest

from pins.documents import DOCUMENTS
from pins.listings import LISTINGS, vault
from pins.pinned import GOLDEN, check_lines, golden_lines
from pins.written_vault import PLACES, documents


def test_each_list_has_a_golden_file() -> None:
    assert {file.stem for file in (GOLDEN / "listings").iterdir()} == set(LISTINGS)


@pytest.mark.parametrize("name", LISTINGS)
def test_the_list_stays(name: str) -> None:
    check_lines(golden_lines(f"listings/{name}.txt"), list(LISTINGS[name]()))


def test_the_vault_seals_the_documents_that_are_pinned() -> None:
    names = set()
    for name, text in documents(vault()):
        assert DOCUMENTS[name].write(DOCUMENTS[name].read(text)) == text, name
        names.add(name)
    assert names == {document for _, document in PLACES.values()}

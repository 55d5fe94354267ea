"""The test vectors on the format pages are those that our own code makes."""

import pytest

from golden.make_vectors import vectors
from second_reader import page

OURS = vectors()


@pytest.mark.parametrize("heading", OURS)
def test_a_block_is_what_the_code_makes(heading: str) -> None:
    assert page.vectors()[heading] == OURS[heading]

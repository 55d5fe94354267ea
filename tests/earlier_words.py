"""Backups with the search words of rules number 2, as earlier releases wrote them."""

from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa
import pytest

from unlost.vault.format.physical import SEARCH_FIELDS, U_ID
from unlost.vault.format.words.earlier_tokens import digits_before, words_before
from unlost.vault.format.words.token_rules import key_token
from unlost.vault.format.words.tokens import Tokenizer
from unlost.vault.layout import segment_label
from unlost.vault.write import open_commit

RULES = 2


@contextmanager
def earlier_rules() -> Iterator[None]:
    """Write words by rules number 2."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Tokenizer, "tokens", _tokens)
        patch.setattr(open_commit, "VERSION", RULES)
        patch.setattr(segment_label, "VERSION", RULES)  # read when a label is made
        yield


def _tokens(self: Tokenizer, rows: pa.Table) -> pa.Table:
    found = [
        (token, self.table, record, name)
        for name in self.columns
        for record, value in zip(
            rows.column(U_ID).to_pylist(), rows.column(name).to_pylist(), strict=True
        )
        if value is not None
        for token in dict.fromkeys(_of_cell(self, name, value))
        if token
    ]
    columns = zip(*found, strict=True) if found else ([], [], [], [])
    return pa.table(
        [pa.array(column, pa.string()) for column in columns], schema=pa.schema(SEARCH_FIELDS)
    )


def _of_cell(tokenizer: Tokenizer, name: str, value: str) -> list[str]:
    if name in tokenizer.phones:
        return [digits_before(value)]
    return [key_token(value)] if name in tokenizer.keys else words_before(value)

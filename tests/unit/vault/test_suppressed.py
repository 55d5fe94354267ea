"""The list of what is not taken in again: pseudonyms, sieves, and runs that are cut off."""

import io
from contextlib import contextmanager
from datetime import timedelta

import numpy as np
import pyarrow as pa

import scanner
from smallvault import TABLE, SmallVault, finish, rows
from unlost.model.plan import RecordKey
from unlost.model.ports.vault import IncomingFile
from unlost.model.source.reading import FileRef
from unlost.model.vault.erasure import Erase, MatchColumn
from unlost.model.vault.maintenance import unconditional
from unlost.model.vault.snapshot import CommitKind, TableCommit, VerifyLevel, Visibility
from unlost.testing.clock import START
from unlost.testing.entropy import SeededEntropy
from unlost.vault.format.physical import SUPPRESSED
from unlost.vault.write.suppression_list import Pseudonymizer, SuppressionList, matching, without


def erased(small: SmallVault, *, match: str = "Phone") -> None:
    """A vault in which a was erased, who had a telephone."""
    small.night("n1", ("a", "U", {"Name": "Anna", "Phone": "+49 40"}), ("b", "U", {"Name": "Ben"}))
    wish = Erase((RecordKey(TABLE, "a"),), (MatchColumn(TABLE, match),))
    small.vault.apply(small.org, unconditional(wish), run="e1")


def file(record: str) -> IncomingFile:
    @contextmanager
    def opened():
        yield io.BytesIO(b"curriculum vitae")

    return IncomingFile(FileRef(TABLE, record, "Body", None, None, "cv.pdf", ""), opened)


def test_pseudonyms_differ_by_org_place_and_text() -> None:
    small = SmallVault()
    other = SmallVault(entropy=SeededEntropy(2))
    marker = Pseudonymizer(small.keys, small.org)
    told = {
        marker.pseudonym((TABLE, ""), "a"),
        marker.pseudonym((TABLE, ""), "b"),
        marker.pseudonym((TABLE, "Phone"), "a"),
        marker.pseudonym(("Other", ""), "a"),
        Pseudonymizer(other.keys, other.org).pseudonym((TABLE, ""), "a"),
    }
    assert len(told) == 5
    assert {len(one) for one in told} == {64}


def test_a_text_that_only_passes_the_sieve_is_taken_in() -> None:
    marker = Pseudonymizer(SmallVault().keys, SmallVault().org)
    (mark,) = marker.marks((TABLE, ""), ["a"], run="e1")
    forged = type(mark)(mark.pseudonym, TABLE, "", int(marker.sieves(_texts("b"))[0]), "e1")
    listed = SuppressionList.of(marker, [forged])
    assert listed.records(TABLE, pa.array(["a", "b"])).tolist() == [False, False]
    assert listed.touches(TABLE)
    assert not listed.touches("Other")
    assert not listed.records("Other", pa.array(["a"])).any()
    assert not marker.sieves(_texts()).size


def _texts(*texts: str):
    import polars as pl

    return pl.Series(list(texts), dtype=pl.String)


def test_values_are_compared_in_one_form() -> None:
    values = pa.array(["  Zoë@Example.ORG ", "ＺＯË@example.org", "", " ", None])
    assert matching(values).to_list() == ["zoë@example.org", "zoë@example.org", None, None, None]


def test_rows_without_cells_stay_rows_without_cells() -> None:
    gone = rows(("a", "M", None), ("b", "M", None))
    left = without(gone, np.array([True, False]))
    assert (left.ids.to_pylist(), left.cells) == (["b"], None)


def test_rows_files_and_marks_of_it_are_not_taken_in() -> None:
    small = SmallVault()
    erased(small)
    commit = small.begin("n2")
    added = [
        commit.add(TABLE, [rows(("a", "U", {"Name": "Anna"}), ("b", "M", None))]),
        commit.add(TABLE, [rows(("c", "U", {"Name": "Caro", "Phone": "+49 40 "}))]),
        commit.add(TABLE, [rows(("d", "U", {"Name": "Dora"}), ("a", "M", None))]),
        commit.add(TABLE, [rows(("d", "U", {"Name": "Doro"}), names=("Name",))]),
        commit.add_files([file("a"), file("c")]),
        commit.mark(TABLE, visibility=Visibility.HIDDEN, records=["a", "c", "d"]),
    ]
    assert (added[1].counts.seen, added[4].files) == (0, 0)
    info = finish(commit, *added)
    assert small.cells(info.number) == {
        "d": {"Name": "Doro"} | dict.fromkeys(("Phone", "Amount", "Seen", "Text"))
    }
    assert [one.record for one in small.vault.at(small.org, info.number).hidden()] == ["d"]
    assert scanner.found(small.vault, "Anna", "Caro", "curriculum") == set()
    assert small.vault.verify(VerifyLevel.DEEP).damages == ()
    keys = [RecordKey(TABLE, one) for one in "abc"]
    assert small.vault.erased(small.org, keys) == {keys[0], keys[2]}
    assert small.vault.erased(small.org, [RecordKey("Other", "a")]) == frozenset()


def test_what_a_run_found_is_known_to_the_process_that_goes_on_with_it() -> None:
    small = SmallVault()
    erased(small)
    seen = rows(("c", "U", {"Name": "Caro", "Phone": "+49 40"}))
    first = small.begin("n2").add(TABLE, [seen])
    small.reopen()
    commit = small.begin("n2")
    assert commit.admitted_ids(TABLE, pa.array(["c", "d"])).to_pylist() == ["d"]
    second = commit.add(TABLE, [seen])  # the step is done again: it may not count on the first
    assert {one.table for one in second.segments} == {SUPPRESSED}
    info = finish(commit, second)
    assert first.segments
    assert small.vault.erased(small.org, [RecordKey(TABLE, "c")])
    assert small.cells(info.number).keys() == {"b"}
    small.reopen()
    commit = small.begin("n3")
    assert not commit.add(TABLE, [seen]).segments


def test_without_a_list_nothing_is_looked_at() -> None:
    small = SmallVault()
    small.night("n1", ("a", "U", {"Name": "Anna"}))
    commit = small.begin("n2")
    seen = rows(("a", "U", {"Name": "Anne"}))
    assert commit.admitted(TABLE, seen) is seen
    ids = pa.array(["a"])
    assert commit.admitted_ids(TABLE, ids) is ids
    assert commit.finish([TableCommit(TABLE, ())], as_of=START + timedelta(days=1)).kind is (
        CommitKind.BACKUP
    )

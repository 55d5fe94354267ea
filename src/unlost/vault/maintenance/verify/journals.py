"""Verification of journals: every entry exists, and the runs' commits prove them."""

from collections.abc import Collection, Mapping
from functools import partial

from unlost.vault.format.journal import FIRST_LINK, link_after
from unlost.vault.format.manifest import JournalProof
from unlost.vault.format.sealed import damaged
from unlost.vault.keys.sealing import SealedObjects
from unlost.vault.layout import object_names
from unlost.vault.maintenance.verify.scope import VerifyScope
from unlost.vault.maintenance.verify.verify_result import MISSING, VerifyFindings
from unlost.vault.write.journal import EntryChain, entry_counts, first_gap

_MOST_LOST = 10_000


class JournalVerifier:
    """Verifies the journals of one org; ``listing``: sizes of the org's objects by name."""

    def __init__(
        self,
        org: str,
        *,
        sealed: SealedObjects,
        listing: Mapping[str, int],
        findings: VerifyFindings,
    ) -> None:
        self._org = org
        self._sealed = sealed
        self._listing = listing
        self._names = _present_names(listing, object_names.journals(org))
        self._findings = findings

    def check(
        self, proofs: Mapping[str, JournalProof], scope: VerifyScope, *, over: Collection[str]
    ) -> None:
        """Verify the journals of ended runs, which have ``proofs``, and of open ones.

        ``over``: runs whose journals were removed; a rest of one proves nothing and will be
        removed.
        """
        stored = entry_counts(self._listing, org=self._org)
        for run in sorted({**proofs, **stored}.keys() - (frozenset(over) - proofs.keys())):
            self._check_run(run, stored.get(run, []), proofs.get(run), scope)

    def _check_run(
        self, run: str, numbers: list[int], proof: JournalProof | None, scope: VerifyScope
    ) -> None:
        chain = EntryChain(self._sealed, org=self._org, run=run)
        there = self._check_presence(chain, numbers, proof)
        if scope.proves(object_names.journal(self._org, run)):
            self._check_links(chain, there, proof)
        else:
            for number in numbers:
                self._check_size(self._names[chain.name(number)])

    def _check_presence(
        self, chain: EntryChain, numbers: list[int], proof: JournalProof | None
    ) -> list[int]:
        """Report missing and surplus entries; returns the numbers of the entries to prove."""
        count = numbers[-1] + 1 if proof is None else proof.entries
        for number in _missing(numbers, count):
            self._findings.damage(chain.name(number), MISSING)
        for number in numbers:
            self._findings.count_object(self._listing[self._names[chain.name(number)]])
            if number >= count:
                self._findings.damage(chain.name(number), "It was written after the run had ended.")
        return [number for number in numbers if number < count]

    def _check_size(self, name: str) -> None:
        def prove() -> None:
            if self._sealed.header(name).sealed_length != self._listing[name]:
                raise damaged(name, "its size does not match its header")

        self._findings.attempt(name, prove)

    def _check_links(
        self, chain: EntryChain, numbers: list[int], proof: JournalProof | None
    ) -> None:
        """Open every entry; behind a missing or damaged one, prove only the seal of each."""
        link: bytes | None = FIRST_LINK
        count = 0
        for number in numbers:
            # After a gap the expected link is unknown, so only the seal of the entry can be proved.
            link = link if number == count else None
            call = partial(_proved, chain, number, link)
            link = self._findings.attempt(chain.name(number), call)
            count = number + 1
        if proof is not None and link is not None and count == proof.entries:
            call_end = partial(chain.check_root, link, proof)
            self._findings.attempt(chain.name(count - 1), call_end)


def _missing(numbers: list[int], count: int) -> list[int]:
    """Return the numbers of missing entries, or the first one if there are too many to be true."""
    if count - len(numbers) < _MOST_LOST:
        return sorted(set(range(count)) - set(numbers))
    first = first_gap(numbers)
    return [len(numbers) if first is None else first]


def _proved(chain: EntryChain, number: int, link: bytes | None) -> bytes:
    """Open an entry, compare it with its link, and return the link of the next entry."""
    if link is not None:
        return chain.get(number, link=link)[1]
    return link_after(chain.content(number))


def _present_names(listing: Mapping[str, int], folder: str) -> dict[str, str]:
    """Map the original name of each entry to its present one, which differs after a rekey."""
    # Reverse order, so that of two names with one stem the original one wins.
    names = sorted((name for name in listing if name.startswith(folder)), reverse=True)
    return {object_names.stem(name): name for name in names}

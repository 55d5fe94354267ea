"""Journals: whether every entry is there, and whether they are those that the runs' commits prove."""

from collections.abc import Collection, Mapping
from functools import partial

from unlost.vault.format.journal import FIRST_LINK, link_after
from unlost.vault.format.manifest import JournalProof
from unlost.vault.format.sealed import damaged
from unlost.vault.keys.sealing import SealedObjects
from unlost.vault.layout import object_names
from unlost.vault.maintenance.verify.ledger import MISSING, VerifyFindings
from unlost.vault.maintenance.verify.look import VerifyScope
from unlost.vault.write.journal import EntryChain, entry_counts


class JournalVerifier:
    """Verifies the journals of one org; ``listing``: sizes of the org's objects by name."""

    def __init__(
        self, org: str, *, sealed: SealedObjects, listing: Mapping[str, int], ledger: VerifyFindings
    ) -> None:
        self._org = org
        self._sealed = sealed
        self._listing = listing
        self._lies = _lying(listing, object_names.journals(org))
        self._ledger = ledger

    def check(
        self, proofs: Mapping[str, JournalProof], look: VerifyScope, *, over: Collection[str]
    ) -> None:
        """Journals of runs that have ended, by run, and of those that have not.

        ``over``: runs whose journals were taken away; what is left of one proves nothing, and goes.
        """
        stored = entry_counts(self._listing, org=self._org)
        for run in sorted({**proofs, **stored}.keys() - (frozenset(over) - proofs.keys())):
            self._check_run(run, stored.get(run, []), proofs.get(run), look)

    def _check_run(
        self, run: str, numbers: list[int], proof: JournalProof | None, look: VerifyScope
    ) -> None:
        chain = EntryChain(self._sealed, org=self._org, run=run)
        there = self._check_presence(chain, numbers, proof)
        if look.proves(object_names.journal(self._org, run)):
            self._check_links(chain, there, proof)
        else:
            for number in numbers:
                self._check_size(self._lies[chain.name(number)])

    def _check_presence(
        self, chain: EntryChain, numbers: list[int], proof: JournalProof | None
    ) -> list[int]:
        """Name what is missing or too much; the entries to be proved."""
        count = numbers[-1] + 1 if proof is None else proof.entries
        for number in sorted(set(range(count)) - set(numbers)):
            self._ledger.damage(chain.name(number), MISSING)
        for number in numbers:
            self._ledger.saw(self._listing[self._lies[chain.name(number)]])
            if number >= count:
                self._ledger.damage(chain.name(number), "The run had ended before it was written.")
        return [number for number in numbers if number < count]

    def _check_size(self, name: str) -> None:
        def prove() -> None:
            if self._sealed.header(name).sealed_length != self._listing[name]:
                raise damaged(name, "it is not as long as it says")

        self._ledger.attempt(name, prove)

    def _check_links(
        self, chain: EntryChain, numbers: list[int], proof: JournalProof | None
    ) -> None:
        """Open every entry; behind one that is missing or damaged only its own seal is proved."""
        link: bytes | None = FIRST_LINK
        count = 0
        for number in numbers:
            link = link if number == count else None
            call = partial(_proved, chain, number, link)
            link = self._ledger.attempt(chain.name(number), call)
            count = number + 1
        if proof is not None and link is not None and count == proof.entries:
            call_end = partial(chain.check_root, link, proof)
            self._ledger.attempt(chain.name(count - 1), call_end)


def _proved(chain: EntryChain, number: int, link: bytes | None) -> bytes:
    """The link that the next entry carries, after an entry was opened and held against its own."""
    if link is not None:
        return chain.get(number, link=link)[1]
    return link_after(chain.content(number))


def _lying(listing: Mapping[str, int], folder: str) -> dict[str, str]:
    """Where each entry lies, by the name that it has unless it was sealed anew."""
    names = sorted((name for name in listing if name.startswith(folder)), reverse=True)
    return {object_names.stem(name): name for name in names}

"""Journals of runs that write to an org: each entry is durable before the call that it describes.

A call to an org cannot be taken back, and its answer can be lost. So a restore writes an entry
about each call first. After a crash it reads the journal and knows which calls may have been made:

    journal/<run>/00000000   link 0…0      payload: the plan
    journal/<run>/00000001   link of 0     payload: about to create these 200 records
    journal/<run>/00000002   link of 1     payload: their new ids
    commit of the run        proves the number of entries and the link of the last (the root)

Each entry carries the hash of the one before it (``unlost.vault.format.journal``), so that the root
proves all of them. Entries are create-only: of two processes that work on the same run, the second
one stops at the first entry that differs, before it makes a call. See docs/adr/0008 and
docs/adr/0010.
"""

import re
import threading
from collections.abc import Iterable, Iterator, Sequence

from unlost.model.errors import Conflict, IntegrityError, NotFound
from unlost.vault.format.journal import (
    FIRST_LINK,
    broken,
    check_entry,
    decode_entry,
    encode_entry,
    link_after,
)
from unlost.vault.format.manifest import JournalProof
from unlost.vault.format.sealed import ObjectKind
from unlost.vault.keys.sealing import SealedObjects
from unlost.vault.layout import object_names
from unlost.vault.read.org_vault import OrgVault
from unlost.vault.write.dropped_journals import dropped_journals

_ENTRY = re.compile(r"([a-z0-9][a-z0-9_-]{0,63})/(\d{8})(?:\.[0-9a-f]+)?")


class RunJournal:
    """One run's journal; see the port ``Journal``."""

    def __init__(self, org_vault: OrgVault, run: str) -> None:
        self.run = object_names.check_run(run)
        self._org_vault = org_vault
        self._chain = EntryChain(org_vault.sealed, org=org_vault.org, run=run)
        self._lock = threading.Lock()
        self._count = 0
        self._going = False
        self._link = FIRST_LINK

    def append(self, payload: bytes) -> int:
        """Write an entry and return its number; it is durable on return.

        Raises Conflict (``journal-conflict``, ``journal-closed``), IntegrityError.
        """
        with self._lock:
            self._refuse_closed()
            number, content = self._count, encode_entry(payload, link=self._link)
            # A rekey gives entries other names: then the put would not find the number taken.
            number_in_use = not self._going and self._chain.is_sealed_anew(number)
            if number_in_use or not self._chain.put(number, content):
                content = self._existing_entry(number, payload)
            else:
                self._going = True  # no other process can have entries after one of ours
            self._count, self._link = number + 1, link_after(content)
            return number

    def read(self) -> Iterator[bytes]:
        """All entries in order, each proved before it is returned; raises IntegrityError.

        Empty for a journal that was erased, or lost and given up.
        """
        if self._is_dropped():
            return
        proof = self._proof()
        count = self._chain.count(proof)
        if proof is not None:
            self._chain.check_end(count, proof)
        link = FIRST_LINK
        # Entries that this process has seen must still be there.
        for number in range(max(count, self._count)):
            payload, link = self._chain.get(number, link=link)
            if proof is not None and number + 1 == proof.entries:
                self._chain.check_root(link, proof)
            with self._lock:
                if number >= self._count:
                    self._count, self._link = number + 1, link
            yield payload

    def _existing_entry(self, number: int, payload: bytes) -> bytes:
        """The content of the entry that exists already, if its payload is the same."""
        existing, _ = self._chain.get(number, link=self._link)
        if existing != payload:
            raise Conflict(
                "journal-conflict",
                "Another process is working on the run {run}: entry {number} of its journal "
                "already exists. This process stopped before it wrote anything to the org.",
                next_step="Wait until the other process has ended, then resume the run.",
                run=self.run,
                number=number,
            )
        return self._chain.content(number)

    def _refuse_closed(self) -> None:
        if self._is_dropped():
            raise Conflict(
                "journal-closed",
                "The journal of the run {run} was erased, or it was lost and given up. It is "
                "unknown what the run did, and nothing can be added to the journal.",
                next_step="Make a new plan for the remaining work.",
                run=self.run,
            )
        if self._proof() is not None:
            raise Conflict(
                "journal-closed",
                "The run {run} has ended. Nothing can be added to its journal.",
                next_step="Start a new run for the remaining work.",
                run=self.run,
            )

    def _is_dropped(self) -> bool:
        """True if a commit removed the journal; checked only before this process's first entry."""
        if self._count or self._going:
            return False
        return self.run in dropped_journals(self._org_vault, self._org_vault.chain.live())

    def _proof(self) -> JournalProof | None:
        return self._org_vault.chain.live().journals.get(self.run)


class EntryChain:
    """The stored entries of one run's journal."""

    def __init__(self, sealed: SealedObjects, *, org: str, run: str) -> None:
        self._sealed = sealed
        self._org = org
        self._run = run

    def name(self, number: int) -> str:
        """The name of an entry."""
        return object_names.journal_entry(self._org, self._run, number)

    def count(self, proof: JournalProof | None = None) -> int:
        """The number of entries; raises IntegrityError naming the first one that is missing.

        With ``proof``, what others put behind the end does not count, unless it opens.
        """
        numbers = journal_runs(self._sealed, org=self._org, run=self._run).get(self._run, [])
        if proof is not None:
            numbers = [n for n in numbers if n < proof.entries or self._opens(n)]
        gap = first_gap(numbers)
        if gap is not None:
            raise broken(self.name(gap), "it is missing, although later entries exist")
        return len(numbers)

    def _opens(self, number: int) -> bool:
        try:
            self.content(number)
        except IntegrityError:
            return False
        return True

    def put(self, number: int, content: bytes) -> bool:
        """Create an entry; False if it is there."""
        return self._sealed.put_new(
            ObjectKind.JOURNAL, org=self._org, name=self.name(number), content=content
        ).created

    def is_sealed_anew(self, number: int) -> bool:
        """True if an entry exists under another name."""
        return self._sealed.resealed(self.name(number)) is not None

    def content(self, number: int, *, link: bytes | None = None) -> bytes:
        """The content of an entry's sealed object; raises IntegrityError.

        ``link``: that of the entry before it. Of several objects the first one that has it counts.
        """
        name = self.name(number)

        def proves(content: bytes) -> None:
            if link is not None:
                check_entry(content, link=link, name=name)

        try:
            return self._sealed.get_either(
                ObjectKind.JOURNAL, org=self._org, name=name, proves=proves
            )
        except NotFound:
            raise broken(name, "it is missing") from None

    def get(self, number: int, *, link: bytes) -> tuple[bytes, bytes]:
        """An entry's payload, and the link that the next one carries; raises IntegrityError."""
        content = self.content(number, link=link)
        return decode_entry(content, link=link, name=self.name(number)), link_after(content)

    def check_end(self, count: int, proof: JournalProof) -> None:
        """Raise IntegrityError unless the number of entries is the one in the run's commit."""
        if count > proof.entries:
            raise broken(self.name(proof.entries), "it was written after the run had ended")
        if count < proof.entries:
            raise broken(
                self.name(proof.entries - 1), "this entry or another entry of the run is missing"
            )

    def check_root(self, link: bytes, proof: JournalProof) -> None:
        """Raise IntegrityError unless the last entry is the one that the run's commit proves."""
        if link.hex() != proof.root:
            raise broken(
                self.name(proof.entries - 1), "the commit of the run proves a different entry"
            )

    def proof(self, count: int) -> JournalProof:
        """The proof of the first ``count`` entries, at least one; raises IntegrityError."""
        link, content = FIRST_LINK, b""
        for number in range(count):
            content = self.content(number, link=link)  # checked against the link
            link = link_after(content)
        if not self.is_sealed_anew(count - 1):
            self.put(count - 1, content)  # its writer may have died before it was durable
        return JournalProof(run=self._run, entries=count, root=link.hex())


def entry_counts(names: Iterable[str], *, org: str) -> dict[str, list[int]]:
    """The numbers of the entries of each run among the names of objects."""
    numbers_by_run: dict[str, set[int]] = {}
    folder = object_names.journals(org)
    for name in names:
        match = _ENTRY.fullmatch(name.removeprefix(folder))
        if name.startswith(folder) and match:
            numbers_by_run.setdefault(match[1], set()).add(int(match[2]))
    return {run: sorted(numbers) for run, numbers in numbers_by_run.items()}


def first_gap(numbers: Sequence[int]) -> int | None:
    """The first number that is missing in ``numbers``, which ascend; None if none is."""
    return next((at for at, number in enumerate(numbers) if at != number), None)


def journal_runs(sealed: SealedObjects, *, org: str, run: str = "") -> dict[str, list[int]]:
    """Numbers of the stored entries by run, of all runs or of ``run``."""
    prefix = object_names.journal(org, run) if run else object_names.journals(org)
    return entry_counts((listed.name for listed in sealed.store.list(prefix)), org=org)


def prove_journal(sealed: SealedObjects, *, org: str, run: str) -> JournalProof | None:
    """The proof of a run's journal for its commit; None if it has none. Raises IntegrityError."""
    chain = EntryChain(sealed, org=org, run=run)
    count = chain.count()
    return chain.proof(count) if count else None


def journals(org_vault: OrgVault, *, unfinished: bool) -> Sequence[str]:
    """Runs that have a journal: runs with a commit in its order, unless left out, then others."""
    state = org_vault.chain.live()
    ended, gone = state.journals, dropped_journals(org_vault, state)
    stored = journal_runs(org_vault.sealed, org=org_vault.org)
    others = [run for run in stored if run not in ended and run not in gone]
    return others if unfinished else [*ended, *others]

"""Everything of an org is sealed anew under its newest key, and the earlier keys go."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow.parquet.encryption import create_decryption_properties

import vaultstory
from unlost.model.errors import Conflict, NotAllowed, UnlostError
from unlost.model.org import OrgIdentity
from unlost.model.plan import RecordKey
from unlost.model.vault.erasure import Erase, PastErasure
from unlost.model.vault.maintenance import unconditional
from unlost.model.vault.rekeying import Rekeyed
from unlost.model.vault.snapshot import CommitKind, SegmentEntry, VerifyLevel
from unlost.vault.format.manifest import RunIntent, pack
from unlost.vault.format.sealed import ObjectBinding, ObjectKind, unseal
from unlost.vault.keys.derivation import epoch_folder, object_key
from unlost.vault.keys.founding import recovery_sheet
from unlost.vault.keys.opening import open_keyring
from unlost.vault.keys.renewal import finish_renewal, is_unfinished, renew_master
from unlost.vault.keys.sealing import SealedObjects
from unlost.vault.keys.service_key import ServiceKey
from unlost.vault.keys.unlock import ByRecoverySheet
from unlost.vault.layout.segment_label import bound_to
from unlost.vault.maintenance.garbage import GRACE
from unlost.vault.maintenance.rekey import rekeyer
from unlost.vault.mirror.update import update_mirror
from unlost.vault.objects.segments import SegmentReader
from unlost.vault.stores.memory import MemoryStore
from unlost.vault.vault import open_vault
from unlost.vault.write.open_runs import open_runs
from vaultstory import IDENTITY, Story

TABLES = ("Account", "Contact", "Task", "ContentVersion")
WAIT = GRACE + timedelta(hours=1)


@pytest.fixture
def story() -> Story:
    """Nights, files, a restore with a journal; and the home's data."""
    made = vaultstory.copied()
    made.vault.homes.store_copy(b"settings")
    return made


def renewed(story: Story) -> None:
    """A new master key, and all that the application does for it."""
    new = story.keys.successor()
    key = ServiceKey.new(new, entropy=story.entropy, slot=f"service-{new.generation}")
    renew_master(story.store, story.keys, new, key=key, sheet_confirmed_at=story.clock.now(),
                 entropy=story.entropy)  # fmt: skip
    finish_renewal(story.store, new)
    story.keys, story.sheet = new, recovery_sheet(new).text()
    fresh(story)
    story.vault.homes.drop_before(story.vault.homes.store_copy(b"settings"))


def fresh(story: Story) -> None:
    """As another process finds the vault: with no key in memory."""
    sheet = ByRecoverySheet(story.sheet)
    story.keys = open_keyring(story.store, sheet, entropy=story.entropy)
    story.vault = open_vault(story.store, keys=story.keys, clock=story.clock,
                             entropy=story.entropy, witness=story.witness, ledger=story.ledger)  # fmt: skip


def rekeyed(story: Story, run: str = "rekey") -> Rekeyed:
    """All of it, with the days in between."""
    first = story.vault.rekey(story.org, run=f"{run}-a")
    story.vault.sweep(story.org, run=f"{run}-sweep")
    story.clock.advance(seconds=WAIT.total_seconds())
    story.vault.sweep(story.org, run=f"{run}-later")
    last = story.vault.rekey(story.org, run=f"{run}-b")
    fresh(story)
    return first.then(last)


def pictures(story: Story) -> list[object]:
    """All that the vault shows, to the row hash."""
    told: list[object] = []
    for info in story.vault.snapshots(story.org):
        at = story.vault.at(story.org, info.number)
        told += [at.scan(table).read_all().to_pylist() for table in TABLES]
        told += [at.hidden(), at.tables(), replace(info, certificate=None)]
        told.append(list(at.files("ContentVersion", list(vaultstory.FILES))))
    told += [story.vault.history(story.org, "Account", vaultstory.account_id(n)) for n in range(60)]
    told += [[hit.record for hit in story.vault.search(story.org, "Maison")]]
    told += [list(story.vault.journal(story.org, "restore-1").read())]
    told += [story.vault.lineage(story.org)]
    return told


def files(story: Story) -> list[bytes]:
    at = story.vault.newest_backup(story.org)
    assert at is not None
    blobs = [file.blob for file in at.files("ContentVersion", list(vaultstory.FILES))]
    return [story.vault.open_file(story.org, blob).__enter__().read() for blob in blobs]


def whole(story: Story) -> bool:
    return story.vault.verify(VerifyLevel.DEEP).damages == ()


def another_night(story: Story, run: str) -> None:
    """Changes, and a file of which the content is there already."""
    story.clock.advance(days=1)
    commit = story.vault.begin(story.org, run=run, kind=CommitKind.BACKUP, identity=IDENTITY)
    commit.put_schema(vaultstory.WIDER)
    changed = vaultstory.accounts([1, 2, 200], Region__c=run)
    file = vaultstory.file("068000000000009AAA", vaultstory.FILES["068000000000001AAA"], "x")
    added = [commit.add("Account", [story.rows(changed)]), commit.add_files([file])]
    commit.put_certificate(vaultstory.certificate(story, run))
    vaultstory.finish(story, commit, added)


def keys_of(story: Story) -> set[str]:
    folder = f"orgs/{story.org}/keys/"
    return {one.name.removeprefix(folder).split("/")[0] for one in story.store.list(folder)}


def night_of_few(story: Story, run: str) -> None:
    """A few rows of several tables: they lie in one object."""
    story.clock.advance(days=1)
    commit = story.vault.begin(story.org, run=run, kind=CommitKind.BACKUP, identity=IDENTITY)
    commit.put_schema(vaultstory.WIDER)
    changed = {
        "Account": vaultstory.accounts([3, 201], Phone=run),
        "Contact": vaultstory.contacts(90)[-2:],
        "Task": [{"Id": "00T000000000001AAA", "Subject": run}],
    }
    added = [commit.add_few(name, [story.rows(own)]) for name, own in changed.items()]
    commit.put_certificate(vaultstory.certificate(story, run))
    vaultstory.finish(story, commit, added)


def bundles(story: Story) -> dict[str, set[str]]:
    """The tables of which something lies in each bundle."""
    found: dict[str, set[str]] = {}
    for entry in story.vault.org_vault(story.org).chain.live().entries():
        if entry.bundle:
            found.setdefault(entry.bundle, set()).add(entry.table)
    return found


# --- the thief --------------------------------------------------------------------------------


KINDS = {  # what the format document says of names
    "commits": ObjectKind.MANIFEST, "redacted": ObjectKind.REDACTION, "runs": ObjectKind.INTENT,
    "checkpoints": ObjectKind.CHECKPOINT, "schemas": ObjectKind.SCHEMA, "keys": ObjectKind.KEY,
    "certs": ObjectKind.CERTIFICATE, "journal": ObjectKind.JOURNAL, "packs": ObjectKind.PACK,
    "data": ObjectKind.SIDECAR, "names": ObjectKind.IDENTITY, "homes": ObjectKind.HOME,
}  # fmt: skip


class Thief:
    """Has a master key and all keys that it ever gave him, and tries each on each object."""

    def __init__(self, story: Story) -> None:
        self.keys = story.keys
        self.orgs = {
            story.keys._key(epoch_folder(story.org, epoch), org=story.org)
            for epoch in story.keys.epochs(story.org)
        }

    def opened(self, story: Story) -> set[str]:
        """The names of objects that he opens."""
        self._wrapped(story)
        names = [one.name for one in story.store.list("")]
        return {name for name in names if self._opens(story, name)}

    def _wrapped(self, story: Story) -> None:
        for one in story.store.list(f"orgs/{story.org}/keys/"):
            for master in self.keys.masters:
                key = object_key(master, ObjectKind.KEY, one.name)
                content = self._unsealed(story, one.name, ObjectKind.KEY, story.org, key)
                if content is not None:
                    self.orgs.add(content)

    def _opens(self, story: Story, name: str) -> bool:
        return any(self._tried(story, name, secret) for secret in (*self.orgs, *self.keys.masters))

    def _tried(self, story: Story, name: str, secret: bytes) -> bool:
        parts = name.split("/")
        org = parts[1].split(".")[0] if parts[0] in {"orgs", "names"} else bytes(16).hex()
        kind = KINDS.get(parts[2] if parts[0] == "orgs" else parts[0], ObjectKind.KEY)
        if self._unsealed(story, name, kind, org, object_key(secret, kind, name)) is not None:
            return True
        return self._segment(story, name, object_key(secret, ObjectKind.SEGMENT, name))

    def _unsealed(
        self, story: Story, name: str, kind: ObjectKind, org: str, key: bytes
    ) -> bytes | None:
        place = ObjectBinding(kind, self.keys.vault, bytes.fromhex(org), name)
        try:
            return unseal(story.store.get(name), place=place, key=key)
        except UnlostError:
            return None

    def _segment(self, story: Story, name: str, key: bytes) -> bool:
        if "/data/" not in name:
            return False
        prefix = bound_to(story.keys.place(ObjectKind.SEGMENT, org=story.org, name=name))
        properties = create_decryption_properties(key, aad_prefix=prefix)
        try:
            pq.ParquetFile(pa.BufferReader(story.store.get(name)), decryption_properties=properties)
        except (OSError, pa.ArrowException):
            return False
        return True


def test_a_thief_of_the_old_master_key_opens_nothing_that_is_there_then(story: Story) -> None:
    thief = Thief(story)
    there = {one.name for one in story.store.list("")}
    clear = {name for name in there if name.startswith("register/") or name == "vault.json"}
    assert thief.opened(story) == there - clear
    renewed(story)
    assert len(thief.opened(story)) > 20
    before, content = pictures(story), files(story)
    done = rekeyed(story)
    assert done.complete
    assert thief.opened(story) == set()
    assert keys_of(story) == {"00000002.00000002", "identity.00000002"}
    assert (pictures(story), files(story)) == (before, content)
    assert whole(story)


def test_it_is_done_again_after_another_new_master_key(story: Story) -> None:
    before = pictures(story)
    for number in (2, 3):
        thief = Thief(story)
        renewed(story)
        assert rekeyed(story, f"rekey-{number}").complete
        assert thief.opened(story) == set()
        assert pictures(story) == before
        assert whole(story)
        assert not is_unfinished(story.store, story.keys)
        assert story.keys.epochs(story.org) == (number,) == (story.keys.epoch(story.org),)
        assert story.keys.copies_before(story.org, number) == ()
    assert len(keys_of(story)) == 2
    another_night(story, "night-9")
    assert story.vault.rekey(story.org, run="again") == Rekeyed()
    assert whole(story)


# --- how it goes on ---------------------------------------------------------------------------


def test_without_a_new_master_key_nothing_is_due(story: Story) -> None:
    commits = len(story.vault.commits(story.org))
    assert story.vault.usage(story.org).earlier_keys.complete
    assert story.vault.rekey(story.org, run="rekey") == Rekeyed()
    assert len(story.vault.commits(story.org)) == commits


def test_it_goes_on_piece_by_piece(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("unlost.vault.maintenance.rekey.data.PIECE_BYTES", 1)
    monkeypatch.setattr(rekeyer, "DOCUMENTS", 2)
    before = pictures(story)
    renewed(story)
    left = story.vault.usage(story.org).earlier_keys
    assert not left.complete
    for step in range(left.objects):
        done = story.vault.rekey(story.org, run=f"rekey-{step}", most=1)
        assert (done.objects, done.more, done.complete) == (1, True, False)
        assert story.vault.usage(story.org).earlier_keys.objects == left.objects - step - 1
        assert story.vault.verify(VerifyLevel.FULL).damages == ()
    assert pictures(story) == before
    another_night(story, "night-9")  # files and words are compared with what was sealed anew
    before = pictures(story)
    assert rekeyed(story).complete
    assert pictures(story) == before
    assert whole(story)
    assert story.vault.commits(story.org)[-1].kind is CommitKind.REKEY


def test_what_is_condemned_keeps_the_earlier_keys(story: Story) -> None:
    renewed(story)
    done = story.vault.rekey(story.org, run="rekey")
    assert done.waiting > 5
    assert not done.complete
    assert story.vault.usage(story.org).earlier_keys == (
        type(story.vault.usage(story.org).earlier_keys)(0, 0, complete=False)
    )
    assert story.keys.epochs(story.org) == (1, 2)
    assert len(story.keys.copies_before(story.org, 2)) == 3
    fresh(story)
    assert whole(story)


def test_a_run_from_before_is_waited_for(story: Story) -> None:
    """Its pieces are under the earlier key; they are sealed anew once it has ended."""
    vault = story.vault
    commit = vault.begin(story.org, run="slow", kind=CommitKind.BACKUP, identity=IDENTITY)
    commit.put_schema(vaultstory.SCHEMA)
    added = [commit.add("Account", [story.rows(vaultstory.accounts([200]))])]
    renewed(story)
    done = rekeyed(story)
    assert (done.held_by, done.complete) == ("slow", False)
    commit = story.vault.begin(story.org, run="slow", kind=CommitKind.BACKUP, identity=IDENTITY)
    added.append(commit.add("Account", [story.rows(vaultstory.accounts([200, 201]))]))
    vaultstory.finish(story, commit, added)
    before = pictures(story)
    done = rekeyed(story, "later")
    assert done.complete
    assert pictures(story) == before
    assert whole(story)


def test_a_run_from_before_that_wakes_up_writes_nothing_any_more(story: Story) -> None:
    """Its process knows a key that is gone: nothing of it gets into the chain."""
    commit = story.vault.begin(story.org, run="slow", kind=CommitKind.BACKUP, identity=IDENTITY)
    commit.put_schema(vaultstory.SCHEMA)
    added = [commit.add("Account", [story.rows(vaultstory.accounts([200]))])]
    old = story.vault
    renewed(story)
    for one in list(story.store.list(f"orgs/{story.org}/runs/")):
        story.store.delete(one.name)
    assert rekeyed(story).complete
    with pytest.raises(UnlostError):
        vaultstory.finish(story, commit, added)
    with pytest.raises(NotAllowed):
        old.begin(story.org, run="another", kind=CommitKind.BACKUP, identity=IDENTITY)
    with pytest.raises(NotAllowed):
        old.journal(story.org, "restore-1").append(b"more")
    assert whole(story)


def test_a_backup_under_way_rebases_behind_it(story: Story) -> None:
    renewed(story)
    commit = story.vault.begin(story.org, run="night", kind=CommitKind.BACKUP, identity=IDENTITY)
    commit.put_schema(vaultstory.WIDER)
    added = [commit.add("Account", [story.rows(vaultstory.accounts([1, 200]))])]
    story.vault.rekey(story.org, run="rekey")
    file = vaultstory.file("068000000000009AAA", vaultstory.FILES["068000000000001AAA"], "x")
    added.append(commit.add_files([file]))
    vaultstory.finish(story, commit, added)
    before = pictures(story)
    assert rekeyed(story, "later").complete
    assert pictures(story) == before
    assert whole(story)


def test_a_commit_meanwhile_makes_it_begin_again(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Manifests are only put in place where nobody committed since they were looked at."""
    renewed(story)
    story.vault.rekey(story.org, run="data", most=1)
    fired: list[str] = []
    chain = story.vault.org_vault(story.org).chain

    def late() -> None:
        if not fired:
            fired.append("")
            another_night(story, "night-9")

    assert chain.live().seq
    with pytest.raises(Conflict, match="Another run committed"):
        story.vault.rekey(story.org, run="documents", pause=late)
    before = pictures(story)
    assert rekeyed(story).complete
    assert pictures(story) == before
    assert whole(story)


def test_what_is_stopped_leaves_nothing(story: Story) -> None:
    """Segments, packs and documents of a step that came to nothing are removed."""
    renewed(story)
    there = {one.name for one in story.store.list("")}
    for calls in range(12):
        left = iter(range(calls))
        with pytest.raises(StopIteration):
            story.vault.rekey(story.org, run=f"rekey-{calls}", pause=lambda left=left: next(left))
        if story.vault.commits(story.org)[-1].kind is not CommitKind.REKEY:
            assert {one.name for one in story.store.list("")} == there
    assert rekeyed(story).complete
    assert whole(story)


# --- beside what else a vault does --------------------------------------------------------------


def test_erasing_compacting_and_forgetting_go_on(story: Story) -> None:
    story.vault.apply(
        story.org, unconditional(Erase((RecordKey("Contact", "003000000000003AAA"),))), run="e1"
    )
    thief = Thief(story)
    renewed(story)
    assert rekeyed(story).complete
    prices = RecordKey("ContentVersion", "068000000000003AAA")
    story.vault.apply(story.org, unconditional(Erase((prices,))), run="e2")
    story.vault.compact(story.org, run="compact")
    before = pictures(story)
    fresh(story)
    assert pictures(story) == before
    assert whole(story)
    assert thief.opened(story) == set()
    assert all(one.complete for one in story.vault.past_operations(story.org, PastErasure))


def test_a_mirror_follows(story: Story) -> None:
    """It has the same objects then, and the thief opens nothing of it either."""
    second, thief = MemoryStore(), Thief(story)
    update_mirror(story.vault, second)
    renewed(story)
    story.vault.rekey(story.org, run="first")
    assert update_mirror(story.vault, second).strange == ()
    assert rekeyed(story).complete
    done = update_mirror(story.vault, second)
    assert (done.strange, done.damaged, done.broken) == ((), (), {})
    names = {one.name for one in story.store.list("") if "/runs/" not in one.name}
    assert {one.name for one in second.list("")} == names
    story.store = second
    assert thief.opened(story) == set()
    fresh(story)
    assert whole(story)


def test_an_org_without_a_backup_has_its_name_sealed_anew(story: Story) -> None:
    other = story.vault.ensure_org(OrgIdentity("fake", "T2"))
    thief = Thief(story)
    renewed(story)
    assert f"names/{other}" in {one.name for one in story.store.list("names/")}
    assert story.vault.rekey(other, run="rekey") == Rekeyed()
    assert story.vault.usage(other).earlier_keys.complete
    assert rekeyed(story).complete
    assert thief.opened(story) == set()
    assert story.vault.orgs()[other].tenant == "T2"
    assert story.vault.ensure_org(OrgIdentity("fake", "T2")) == other
    assert len(story.vault.oids()) == 2
    assert whole(story)


# --- what somebody puts there -------------------------------------------------------------------


@pytest.mark.parametrize("base", ["oldest-00000009", "00000009"])
def test_a_thief_cannot_say_that_keys_are_gone(story: Story, base: str) -> None:
    """Neither by a mark of an earlier release, nor by a key with a higher number."""
    thief = story.keys
    renewed(story)
    planted = f"orgs/{story.org}/keys/{base}/1"
    story.store.put_new(planted, thief._wrap(planted, bytes(32), org=story.org))
    fresh(story)
    assert story.keys.strange_copies(story.org) == (planted,)
    assert story.keys.epoch(story.org) == 2
    assert not story.vault.usage(story.org).earlier_keys.complete
    before = pictures(story)
    assert rekeyed(story).complete
    assert story.keys.copies_before(story.org, 2) == ()
    assert story.keys.epoch(story.org) == 2
    assert pictures(story) == before
    finish_renewal(story.store, story.keys)  # as a repair does
    fresh(story)
    assert keys_of(story) == {"00000002.00000002", "identity.00000002"}
    assert whole(story)


def test_a_damaged_object_is_named_and_nothing_is_lost(story: Story) -> None:
    renewed(story)
    state = story.vault.org_vault(story.org).chain.live()
    pack = next(iter(state.packs.values()))
    name = f"orgs/{story.org}/packs/{pack.id[:2]}/{pack.id}"
    data = story.store.get(name)
    story.store.delete(name)
    story.store.put_new(name, data[:-1] + bytes([data[-1] ^ 1]))
    done = rekeyed(story)
    assert (done.damaged, done.complete) == (name, False)
    assert story.keys.epochs(story.org) == (1, 2)
    left = story.vault.usage(story.org).earlier_keys
    assert left.objects == 1  # all else is sealed anew
    again = story.vault.rekey(story.org, run="again")
    assert (again.objects, again.bytes, again.damaged) == (0, 0, name)
    assert [one.object for one in story.vault.verify(VerifyLevel.FULL).damages] == [name]
    story.store.delete(name)
    story.store.put_new(name, data)
    assert rekeyed(story, "later").complete
    assert whole(story)


def test_a_damaged_document_is_named_and_counts_as_nothing(story: Story) -> None:
    renewed(story)
    name = next(one.name for one in story.store.list(f"orgs/{story.org}/schemas/"))
    data = story.store.get(name)
    story.store.delete(name)
    story.store.put_new(name, data[:-1] + bytes([data[-1] ^ 1]))
    assert story.vault.rekey(story.org, run="rekey").damaged == name
    again = story.vault.rekey(story.org, run="again")
    assert (again.objects, again.bytes, again.damaged) == (0, 0, name)
    story.store.delete(name)
    story.store.put_new(name, data)
    assert rekeyed(story, "later").complete
    assert whole(story)


def test_left_over_documents_go_once_no_run_may_need_them(story: Story) -> None:
    commit = story.vault.begin(story.org, run="left", kind=CommitKind.BACKUP, identity=IDENTITY)
    commit.put_certificate(vaultstory.certificate(story, "left"))
    commit.abandon()
    earlier = story.keys
    renewed(story)
    open_ = story.vault.begin(story.org, run="open", kind=CommitKind.BACKUP, identity=IDENTITY)
    assert rekeyed(story).held_by == "open"
    open_.abandon()
    thief = Thief(story)
    thief.keys, thief.orgs = earlier, set()
    assert rekeyed(story, "later").complete
    assert not any("certs/left" in one.name for one in story.store.list(""))
    assert thief.opened(story) == set()


def test_a_segment_that_gives_other_rows_is_not_put_in_place(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    renewed(story)
    groups = SegmentReader.groups

    def fewer(self: SegmentReader, entry: SegmentEntry) -> Iterator[pa.Table]:
        return (rows.slice(1) if len(rows) > 1 else rows for rows in groups(self, entry))

    monkeypatch.setattr(SegmentReader, "groups", fewer)
    before = story.vault.usage(story.org).earlier_keys.objects
    done = story.vault.rekey(story.org, run="rekey")
    assert "/data/" in done.damaged
    assert story.vault.usage(story.org).earlier_keys.objects > before // 2
    monkeypatch.undo()
    assert rekeyed(story).complete
    assert whole(story)


def late_intent(story: Story, sealed: SealedObjects, run: str) -> None:
    """A process from before says that a run is under way, at the last moment or after it."""
    intent = RunIntent(1, run, CommitKind.BACKUP, IDENTITY, 1, story.clock.now(), "00" * 8)
    name = f"orgs/{story.org}/runs/{run}"
    sealed.put_new(ObjectKind.INTENT, org=story.org, name=name, content=pack(intent))


def test_who_writes_until_the_end_keeps_the_earlier_keys(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = story.vault.sealed
    assert old.keys.epoch(story.org) == 1
    renewed(story)
    clean = rekeyer._Rekeying._is_clean

    def beside(self: rekeyer._Rekeying) -> bool:
        late_intent(story, old, "late")
        return clean(self)

    monkeypatch.setattr(rekeyer._Rekeying, "_is_clean", beside)
    done = rekeyed(story)
    assert (done.more, done.complete) == (True, False)
    assert story.keys.epochs(story.org) == (1, 2)
    monkeypatch.undo()
    assert rekeyed(story, "again").held_by == "late"
    story.store.delete(f"orgs/{story.org}/runs/late")
    assert rekeyed(story, "last").complete
    assert whole(story)


def test_what_is_written_under_a_key_that_is_gone_stops_nobody(story: Story) -> None:
    old = story.vault.sealed
    assert old.keys.epoch(story.org) == 1
    renewed(story)
    assert rekeyed(story).complete
    late_intent(story, old, "late")
    fresh(story)
    assert list(open_runs(story.vault.org_vault(story.org))) == []
    story.vault.sweep(story.org, run="sweep")
    named = [one.object for one in story.vault.verify(VerifyLevel.FULL).damages]
    assert named == [f"orgs/{story.org}/runs/late"]


def test_a_journal_that_goes_on_is_sealed_anew_when_its_run_has_ended(story: Story) -> None:
    commit = story.vault.begin(story.org, run="slow", kind=CommitKind.RESTORE, identity=IDENTITY)
    story.vault.journal(story.org, "slow").append(b"plan")
    renewed(story)
    assert rekeyed(story).held_by == "slow"
    assert list(story.vault.journal(story.org, "slow").read()) == [b"plan"]
    commit = story.vault.begin(story.org, run="slow", kind=CommitKind.RESTORE, identity=IDENTITY)
    commit.abandon()
    assert rekeyed(story, "later").complete
    journal = story.vault.journal(story.org, "slow")
    with pytest.raises(Conflict):  # a slow process finds its place taken, though by another name
        journal.append(b"another plan")
    assert story.vault.journal(story.org, "slow").append(b"plan") == 0
    assert list(journal.read()) == [b"plan"]
    assert journal.append(b"more") == 1
    assert whole(story)


def test_what_lies_in_bundles_is_sealed_anew_together(story: Story) -> None:
    night_of_few(story, "few-1")
    night_of_few(story, "few-2")
    before, shown = bundles(story), pictures(story)
    assert [len(tables) >= 2 for tables in before.values()] == [True, True]
    renewed(story)
    left = story.vault.usage(story.org).earlier_keys
    sizes = {one.name: one.size for one in story.store.list(f"orgs/{story.org}/")}
    assert left.bytes <= sum(sizes.values())
    assert rekeyed(story).complete
    after = bundles(story)
    assert sorted(map(sorted, after.values())) == sorted(map(sorted, before.values()))
    assert not after.keys() & before.keys()
    assert not [
        name for name in sizes if name.rpartition("/")[2] in before and story.store.size(name)
    ]
    assert pictures(story) == shown
    assert whole(story)

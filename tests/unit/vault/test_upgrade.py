"""A vault of format 0 is read and written as before; the marker says that all of it could be read."""

from collections.abc import Callable
from functools import partial

import pytest

from older import written_before
from smallvault import SmallVault, finish, rows, schema
from unit.vault.test_renewal import begun, renewed
from unit.vault.test_ways import Held, failing
from unlost.model.errors import IntegrityError, NotAllowed, NotFound, StoreError, UsageError
from unlost.model.snapshot import VerifyLevel
from unlost.model.store import Store
from unlost.testing.entropy import SeededEntropy
from unlost.testing.faults import Crash, CrashPoint
from unlost.vault.copying import copy_vault
from unlost.vault.format.upgraded import FormatMark, encode_mark, mark_copies
from unlost.vault.format.vaultjson import VAULT_FILE, read_vault_file
from unlost.vault.keys import Keyring
from unlost.vault.mirror.repair import repair_from
from unlost.vault.mirror.update import update_mirror
from unlost.vault.opening import open_keyring, recovery_sheet
from unlost.vault.renewal import finish_renewal
from unlost.vault.stores.memory import MemoryStore
from unlost.vault.stores.store import MAY_NOT_DELETE
from unlost.vault.unlock import ByRecoverySheet
from unlost.vault.upgrade import (
    expected_marks,
    format_of,
    get_mark,
    lacking_marks,
    marked_format,
    mend_marks,
    put_mark,
    repeat_mark,
    strange_marks,
)
from unlost.vault.vault import EncryptedVault, open_vault

COPIES = mark_copies(1)
FULL = VerifyLevel.FULL
WIDER = schema(fingerprint="other rights")


@pytest.fixture
def old() -> SmallVault:
    """A vault of format 0 with one night and one slot."""
    with written_before():
        made = SmallVault()
        Held(made, "service").add()
        made.night("night-1", ("a", "U", {"Name": "Anna"}))
        made.vault.homes.keep(b"settings")
    made.reopen()
    return made


def upgraded(small: SmallVault) -> None:
    report = small.reopen().upgrade(FULL)
    assert report is not None
    assert report.damages == ()


def names(store: Store) -> set[str]:
    return {one.name for one in store.list("")}


def damages(small: SmallVault, level: VerifyLevel = FULL) -> list[str]:
    return [one.object for one in small.reopen().verify(level).damages]


def forge(small: SmallVault, name: str, data: bytes) -> None:
    small.store.delete(name)
    small.store.put_new(name, data)


def other_vault() -> SmallVault:
    with written_before():
        other = SmallVault(entropy=SeededEntropy(99))
        other.night("night-1", ("z", "U", {"Name": "Zoe"}))
    upgraded(other)
    return other


def test_a_vault_that_is_founded_now_needs_nothing() -> None:
    small = SmallVault()
    before = names(small.store)
    assert read_vault_file(small.store.get(VAULT_FILE)).format == 1
    assert small.vault.format() == 1
    assert small.vault.upgrade(FULL) is None
    assert names(small.store) == before
    repeat_mark(small.store, small.keys)
    assert names(small.store) == before, "there is nothing to be repeated"


def test_one_of_format_0_is_read_and_written_as_before(old: SmallVault) -> None:
    assert old.vault.format() == 0
    assert old.store.get(VAULT_FILE).startswith(b'{"format":0,')
    header = old.store.get_range(f"orgs/{old.org}/commits/{1:020d}", start=0, length=8)
    assert header == b"UNLOSTS\0"
    old.night("night-2", ("b", "U", {"Name": "Bert"}))
    header = old.store.get_range(f"orgs/{old.org}/commits/{2:020d}", start=0, length=8)
    assert header == b"UNLOSTS\1"
    assert old.reopen().format() == 0, "a night upgrades nothing"
    assert {n: c["Name"] for n, c in old.cells(2).items()} == {"a": "Anna", "b": "Bert"}
    assert damages(old, VerifyLevel.DEEP) == []
    old.vault.compact(old.org, run="compact-1")
    assert damages(old, VerifyLevel.DEEP) == []


def test_a_schema_that_stays_as_it_is_keeps_its_id(old: SmallVault) -> None:
    schemas = names(old.store)
    old.night("night-2", ("b", "U", {"Name": "Bert"}))
    folder = f"orgs/{old.org}/schemas/"
    assert {n for n in names(old.store) if n.startswith(folder)} <= schemas
    commit = old.begin("night-3", put=WIDER)
    finish(commit, commit.add("Thing", [rows(("c", "U", {"Name": "Cyd"}))]))
    fresh = {n for n in names(old.store) if n.startswith(folder)} - schemas
    assert len(fresh) == 1
    assert damages(old, VerifyLevel.DEEP) == []


def test_a_run_that_format_0_began_is_ended(old: SmallVault) -> None:
    with written_before():
        commit = old.begin("night-2", put=WIDER)
        commit.add("Thing", [rows(("b", "U", {"Name": "Bert"}))])
        journal = old.vault.journal(old.org, "night-2")
        journal.append(b"before")
    upgraded(old)
    assert old.vault.format() == 1
    journal = old.vault.journal(old.org, "night-2")
    assert list(journal.read()) == [b"before"]
    journal.append(b"after")
    again = old.begin("night-2", put=WIDER)
    finish(again, again.add("Thing", [rows(("c", "U", {"Name": "Cyd"}))]))
    assert "c" in old.cells(2)
    schemas = [one for one in names(old.store) if "/schemas/" in one]
    assert len(schemas) == 2, "the run goes on with the schema that it noted"
    assert list(old.vault.journal(old.org, "night-2").read()) == [b"before", b"after"]
    assert damages(old, VerifyLevel.DEEP) == []


@pytest.mark.parametrize("level", VerifyLevel)
def test_the_marker_says_that_all_was_read(old: SmallVault, level: VerifyLevel) -> None:
    before = {name: old.store.get(name) for name in names(old.store)}
    report = old.vault.upgrade(level)
    assert report is not None
    assert (report.level, report.damages) == (level, ())
    assert report.objects > 10
    assert {n: old.store.get(n) for n in names(old.store) - set(COPIES)} == before
    for name in COPIES:
        mark = get_mark(old.store, old.keys, name)
        assert mark == FormatMark(1, old.keys.vault.hex(), old.clock.now().isoformat(), level, 1)
    assert old.vault.format() == old.reopen().format() == 1
    assert damages(old) == []


def test_twice_is_once(old: SmallVault) -> None:
    upgraded(old)
    there = {name: old.store.get(name) for name in names(old.store)}
    old.clock.advance(days=1)
    assert old.vault.upgrade(FULL) is None
    assert old.reopen().upgrade(FULL) is None
    assert {name: old.store.get(name) for name in names(old.store)} == there


class _Failing:
    """A store that refuses one kind of call."""

    def __init__(self, store: Store, call: str, error: Exception) -> None:
        self._store, self._call, self._error = store, call, error

    def __getattr__(self, name: str):
        if name == self._call:
            raise self._error
        return getattr(self._store, name)


def test_credentials_that_only_add_are_enough(old: SmallVault) -> None:
    keeps = StoreError(MAY_NOT_DELETE, "Not with these.", next_step="Give others.")
    old.store = _Failing(old.store, "delete", keeps)  # type: ignore[assignment]
    upgraded(old)
    assert old.vault.upgrade(FULL) is None


def opened(small: SmallVault, store: Store) -> EncryptedVault:
    return open_vault(store, keys=small.keys.on(store), clock=small.clock, entropy=small.entropy)


@pytest.mark.parametrize("after", [False, True], ids=["before a call", "after a call"])
def test_whoever_is_killed_in_the_middle_goes_on(old: SmallVault, *, after: bool) -> None:
    whole = CrashPoint()
    opened(old, whole.guard(copied(old.store), after=after)).upgrade(FULL)
    assert whole.calls > 50
    left = []
    for at in range(1, whole.calls + 1):
        store = copied(old.store)
        with pytest.raises(Crash):
            opened(old, CrashPoint(at).guard(store, after=after)).upgrade(FULL)
        there = names(store) & set(COPIES)
        left.append(len(there))
        vault = opened(old, store)
        assert vault.format() == (1 if there else 0)
        assert len(lacking_marks(store, old.keys)) == (3 - len(there) if there else 0)
        vault.upgrade(FULL)
        assert opened(old, store).verify(FULL).damages == ()
        assert names(store) >= set(COPIES)
    assert set(left) >= {0, 1, 2}


def copied(store: Store) -> MemoryStore:
    other = MemoryStore()
    for name in names(store):
        other.put_new(name, store.get(name))
    return other


def test_a_damaged_vault_is_not_marked(old: SmallVault) -> None:
    name = f"orgs/{old.org}/commits/{1:020d}"
    data = old.store.get(name)
    forge(old, name, data[:-1] + bytes([data[-1] ^ 1]))
    report = old.reopen().upgrade(FULL)
    assert report is not None
    assert [one.object for one in report.damages] == [name]
    assert old.vault.format() == 0
    assert not names(old.store) & set(COPIES)


def test_what_is_damaged_so_that_quick_does_not_see_it_is_seen_by_full(old: SmallVault) -> None:
    (name,) = [one for one in names(old.store) if "/data/" in one and "idx" not in one][:1]
    data = old.store.get(name)
    forge(old, name, data[:-1] + bytes([data[-1] ^ 1]))
    report = old.reopen().upgrade(FULL)
    assert report is not None
    assert [one.object for one in report.damages] == [name]


@pytest.mark.parametrize("spoil", ["cut", "flipped", "of another vault", "junk", "claims more"])
def test_a_marker_that_does_not_prove_itself_is_named_and_not_trusted(
    old: SmallVault, spoil: str
) -> None:
    forged = {
        "cut": lambda: mark_bytes(old)[:-9],
        "flipped": lambda: mark_bytes(old).replace(b'"full"', b'"fill"'),
        "of another vault": lambda: other_vault().store.get(COPIES[0]),
        "junk": lambda: b"format 1",
        "claims more": lambda: mark_bytes(old, vault="00" * 16),
    }[spoil]()
    forge(old, COPIES[0], forged)
    assert old.reopen().format() == 0
    assert strange_marks(old.store, old.keys) == COPIES[:1]
    assert damages(old) == [COPIES[0]]
    report = old.vault.upgrade(FULL)
    assert report is not None
    assert [one.object for one in report.damages] == [COPIES[0]]
    assert not names(old.store) & set(COPIES[1:])
    mend_marks(old.store, old.keys)
    assert COPIES[0] not in names(old.store)
    upgraded(old)
    assert damages(old) == []


def mark_bytes(small: SmallVault, *, vault: str = "") -> bytes:
    keys, name = small.keys, COPIES[0]
    mark = FormatMark(1, vault or keys.vault.hex(), "2026-03-02T00:00:00+00:00", "full")
    return encode_mark(mark, mac=lambda of, body: keys.mac(name, body, generation=of))


def test_any_whole_copy_will_do_and_the_others_are_written_anew(old: SmallVault) -> None:
    upgraded(old)
    old.store.delete(COPIES[0])
    forge(old, COPIES[1], b"junk")
    assert old.reopen().format() == 1
    assert damages(old) == list(COPIES[:2])
    assert lacking_marks(old.store, old.keys) == COPIES[:1]
    assert failing(lambda: old.vault.upgrade(FULL), IntegrityError) == "marker-damaged"
    mend_marks(old.store, old.keys)
    assert damages(old) == []
    assert expected_marks(old.store, old.keys) == COPIES


def test_other_names_among_the_markers_are_named(old: SmallVault) -> None:
    forge(old, "format/junk", mark_bytes(old))
    assert strange_marks(old.store, old.keys) == ("format/junk",)
    assert damages(old) == ["format/junk"]


def test_a_newer_marker_is_told_and_left_alone(old: SmallVault) -> None:
    keys, name = old.keys, "format/2"
    mark = FormatMark(2, keys.vault.hex(), "2026-03-02T00:00:00+00:00", "full")
    forge(old, name, encode_mark(mark, mac=lambda of, body: keys.mac(name, body, generation=of)))
    assert failing(lambda: get_mark(old.store, keys, name), UsageError) == "format-newer"
    assert strange_marks(old.store, keys) == ()
    mend_marks(old.store, keys)
    assert name in names(old.store)
    assert damages(old) == [name]


def test_it_survives_a_new_master_key(old: SmallVault) -> None:
    upgraded(old)
    for slot in ("service-2", "service-3"):
        renewed(old, slot)
        assert old.reopen().format() == 1
        assert damages(old) == []
    assert get_mark(old.store, old.keys, COPIES[0]).master == 1
    old.store.delete(COPIES[1])
    mend_marks(old.store, old.keys)
    assert damages(old) == []
    fresh = open_keyring(
        old.store, ByRecoverySheet(recovery_sheet(old.keys).text()), entropy=old.entropy
    )
    assert fresh.inherited.upgraded == 1
    assert format_of(old.store, fresh) == 1


def test_a_renewed_vault_is_upgraded_by_its_new_master_key(old: SmallVault) -> None:
    renewed(old)
    upgraded(old)
    assert get_mark(old.store, old.keys, COPIES[2]).master == 2
    renewed(old, "service-3")
    assert old.reopen().format() == 1


def test_a_thief_of_an_earlier_master_key_marks_nothing(old: SmallVault) -> None:
    thief = old.keys
    renewed(old)
    assert failing(
        lambda: put_mark(old.store, thief, at=old.clock.now(), level=FULL), NotAllowed
    ) == "key-outdated"  # fmt: skip
    for name in COPIES:
        mark = FormatMark(1, thief.vault.hex(), "2026-03-02T00:00:00+00:00", "full")
        data = encode_mark(mark, mac=partial(_by, thief, name))
        forge(old, name, data)
    assert old.reopen().format() == 0
    assert strange_marks(old.store, old.keys) == COPIES
    assert damages(old) == list(COPIES)
    mend_marks(old.store, old.keys)
    upgraded(old)
    assert get_mark(old.store, old.keys, COPIES[0]).master == 2


def _by(keys: Keyring, name: str, master: int, body: bytes) -> bytes:
    return keys.mac(name, body, generation=master)


def test_who_has_an_outdated_key_repairs_nothing(old: SmallVault) -> None:
    upgraded(old)
    before = old.keys
    old.store.delete(COPIES[0])
    new = begun(old, "service-2")
    calls: tuple[Callable[[], object], ...] = (
        lambda: mend_marks(old.store, before),
        lambda: repeat_mark(old.store, before),
    )
    for call in calls:
        assert failing(call, NotAllowed) == "key-outdated"
    finish_renewal(old.store, new)
    repeat_mark(old.store, new)
    assert marked_format(old.store, new) == 1
    assert lacking_marks(old.store, new) == ()


def test_copies_and_mirrors_have_it_and_repair_it(old: SmallVault) -> None:
    upgraded(old)
    copy, mirror = MemoryStore(), MemoryStore()
    copy_vault(old.store, copy)
    done = update_mirror(old.vault, mirror)
    assert (done.strange, done.removed) == ((), 0)
    for store in (copy, mirror):
        assert opened(old, store).format() == 1
        assert opened(old, store).verify(FULL).damages == ()
    for name in COPIES:
        old.store.delete(name)
    forge(old, COPIES[0], b"junk")
    assert old.reopen().format() == 0
    repaired = repair_from(old.store, mirror, opened=partial(opened, old))
    assert COPIES[0] in repaired.objects
    assert old.reopen().format() == 1
    mend_marks(old.store, old.keys)
    assert damages(old) == []


def test_a_mirror_that_is_older_gets_it_and_an_upgrade_of_the_mirror_is_told(
    old: SmallVault,
) -> None:
    mirror = MemoryStore()
    update_mirror(old.vault, mirror)
    theirs = opened(old, mirror)
    assert theirs.upgrade(FULL) is not None
    done = update_mirror(old.vault, mirror)
    assert done.strange == COPIES, "it is left alone, and named"
    assert opened(old, mirror).format() == 1
    old.night("night-2", ("b", "U", {"Name": "Bert"}))
    upgraded(old)
    done = update_mirror(old.vault, mirror)
    assert (done.strange, done.damaged) == ((), ())
    assert opened(old, mirror).verify(FULL).damages == ()


def test_a_forged_marker_does_not_reach_the_mirror(old: SmallVault) -> None:
    """Else the real one could never be copied there."""
    mirror = MemoryStore()
    forge(old, COPIES[0], b"junk")
    update_mirror(old.vault, mirror)
    assert COPIES[0] not in names(mirror)
    mend_marks(old.store, old.keys)
    upgraded(old)
    update_mirror(old.vault, mirror)
    assert opened(old, mirror).format() == 1


def test_a_sweep_leaves_it(old: SmallVault) -> None:
    upgraded(old)
    for number in range(3):
        old.clock.advance(days=8)
        old.vault.sweep(old.org, run=f"sweep-{number}")
    assert names(old.store) >= set(COPIES)
    assert damages(old) == []


def test_nothing_tells_where_the_vault_file_is_lost(old: SmallVault) -> None:
    old.store.delete(VAULT_FILE)
    assert failing(lambda: old.reopen().format(), NotFound) == "object-missing"


NO_CODE = b',"mac":"' + b"0" * 64 + b'"}\n'
REST = b',"vault":"x","at":"","level":"full","master":1'


@pytest.mark.parametrize(
    "body",
    [
        b'{"format":Infinity' + REST,
        b'{"format":1,"vault":"x","at":"","level":"full","master":Infinity',
        b'{"format":' + b"[" * 100_000,
        b'{"format":1' + REST + b',"more":' + b"[" * 100_000,
        b'{"format":1' + b"0" * 5000 + REST,
    ],
    ids=["endless", "endless master", "deep", "deep and of a master key", "long"],
)
def test_a_forged_marker_that_no_parser_takes_ends_nothing(old: SmallVault, body: bytes) -> None:
    """It came out of the doctor, of verify and of upgrade as an error of the program."""
    forge(old, COPIES[0], body + NO_CODE)
    assert format_of(old.store, old.keys) == old.reopen().format() == 0
    assert_removed(old, COPIES[0])


def assert_removed(small: SmallVault, name: str) -> None:
    """What was forged is named, and keeps nobody from upgrading once it is removed."""
    assert strange_marks(small.store, small.keys) == (name,)
    assert damages(small) == [name]
    report = small.vault.upgrade(FULL)
    assert report is not None
    assert [one.object for one in report.damages] == [name]
    mend_marks(small.store, small.keys)
    assert name not in names(small.store)
    upgraded(small)
    assert damages(small) == []
    assert small.vault.format() == 1


@pytest.mark.parametrize("name", ["format/1", "format/1.3", "format/2", "format/3.2"])
def test_a_forged_marker_of_a_newer_format_does_not_block_upgrading(
    old: SmallVault, name: str
) -> None:
    forge(old, name, b'{"format":%d' % max(2, int(name[7])) + REST + NO_CODE)
    assert_removed(old, name)


def test_a_newer_format_under_the_name_of_format_1_is_damage_even_where_it_is_proved(
    old: SmallVault,
) -> None:
    mark = FormatMark(2, old.keys.vault.hex(), "2026-03-02T00:00:00+00:00", "full")
    forge(old, COPIES[0], encode_mark(mark, mac=partial(_by, old.keys, COPIES[0])))
    assert_removed(old, COPIES[0])


def test_a_thief_of_an_earlier_master_key_makes_no_newer_marker(old: SmallVault) -> None:
    thief, name = old.keys, "format/2"
    renewed(old)
    mark = FormatMark(2, thief.vault.hex(), "2026-03-02T00:00:00+00:00", "full")
    forge(old, name, encode_mark(mark, mac=partial(_by, thief, name)))
    assert_removed(old, name)


class _Meanwhile:
    """A store in which something happens before the first marker is written."""

    def __init__(self, store: Store, happens: Callable[[], None]) -> None:
        self._store, self._happens, self.happened = store, happens, 0

    def __getattr__(self, name: str):
        return getattr(self._store, name)

    def put_new(self, name: str, data: bytes) -> bool:
        if name == COPIES[0] and not self.happened:
            self.happened += 1
            self._happens()
        return self._store.put_new(name, data)


def test_an_upgrade_that_a_renewal_overtook_does_not_say_that_it_is_done(old: SmallVault) -> None:
    store, first = _Meanwhile(old.store, lambda: renewed(old)), old.keys
    vault = open_vault(store, keys=first.on(store), clock=old.clock, entropy=old.entropy)
    assert failing(lambda: vault.upgrade(FULL), NotAllowed) == "key-outdated"
    assert store.happened == 1
    assert old.reopen().format() == 0
    assert strange_marks(old.store, old.keys) == COPIES
    mend_marks(old.store, old.keys)
    upgraded(old)
    assert old.vault.format() == 1


def test_a_vault_stays_of_its_format_where_the_copies_are_lost_after_a_renewal(
    old: SmallVault,
) -> None:
    upgraded(old)
    renewed(old)
    for name in COPIES:
        old.store.delete(name)
    assert format_of(old.store, old.keys) == old.reopen().format() == 1
    assert expected_marks(old.store, old.keys) == COPIES
    assert lacking_marks(old.store, old.keys) == COPIES
    assert damages(old) == list(COPIES)
    renewed(old, "service-3")
    assert old.keys.inherited.upgraded == marked_format(old.store, old.keys) == 1
    mend_marks(old.store, old.keys)
    assert lacking_marks(old.store, old.keys) == ()
    assert get_mark(old.store, old.keys, COPIES[2]) == FormatMark(
        1, old.keys.vault.hex(), at="", level="", master=3
    )
    assert damages(old) == []


def test_who_upgrades_again_after_all_copies_were_lost_gets_them_back(old: SmallVault) -> None:
    upgraded(old)
    renewed(old)
    for name in COPIES:
        old.store.delete(name)
    assert old.reopen().upgrade(FULL) is None
    assert damages(old) == []


def test_junk_in_the_place_of_all_lost_copies_is_mended(old: SmallVault) -> None:
    upgraded(old)
    renewed(old)
    for name in COPIES:
        forge(old, name, b"junk")
    assert old.reopen().format() == 1
    assert strange_marks(old.store, old.keys) == COPIES
    mend_marks(old.store, old.keys)
    assert damages(old) == []


def test_markers_that_were_made_anew_reach_a_mirror_that_has_the_lost_ones(
    old: SmallVault,
) -> None:
    upgraded(old)
    mirror = MemoryStore()
    update_mirror(old.vault, mirror)
    renewed(old)
    for name in COPIES:
        old.store.delete(name)
    mend_marks(old.store, old.keys)
    done = update_mirror(old.reopen(), mirror)
    assert (done.strange, done.damaged) == ((), ())
    assert [mirror.get(name) for name in COPIES] == [old.store.get(name) for name in COPIES]
    assert opened(old, mirror).verify(FULL).damages == ()

"""The store that fails on purpose does so exactly where it was told to."""

import pytest

from unlost.model.errors import StoreError
from unlost.vault.stores.fault import (
    Fault,
    FaultKind,
    FaultStore,
    StoreCall,
    StoreCrash,
    StoreOperation,
)
from unlost.vault.stores.memory import MemoryStore


def test_a_crash_before_a_call_does_nothing_and_is_final() -> None:
    inner = MemoryStore()
    store = FaultStore(inner, faults=[Fault(FaultKind.CRASH_BEFORE, 2)])
    assert store.put_new("a", b"x")
    with pytest.raises(StoreCrash):
        store.put_new("b", b"y")
    with pytest.raises(StoreCrash):
        store.get("a")
    assert [listed.name for listed in inner.list("")] == ["a"]
    store.assert_all_hit()


@pytest.mark.parametrize(
    ("operation", "call"),
    [
        (StoreOperation.PUT, lambda store: store.put_new("b", b"y")),
        (StoreOperation.GET, lambda store: store.get("a")),
        (StoreOperation.GET, lambda store: store.get_range("a", start=0, length=1)),
        (StoreOperation.GET, lambda store: store.size("a")),
        (StoreOperation.LIST, lambda store: list(store.list("a"))),
        (StoreOperation.DELETE, lambda store: store.delete("a")),
    ],
)
def test_a_crash_after_a_call_leaves_its_work(operation, call) -> None:
    inner = MemoryStore()
    inner.put_new("a", b"x")
    store = FaultStore(inner, faults=[Fault(FaultKind.CRASH_AFTER, 1, operation)])
    with pytest.raises(StoreCrash):
        call(store)
    assert (inner.size("b") is not None) == (operation is StoreOperation.PUT)
    assert (inner.size("a") is None) == (operation is StoreOperation.DELETE)
    store.assert_all_hit()


def test_a_full_store_keeps_nothing_half() -> None:
    inner = MemoryStore()
    store = FaultStore(inner, faults=[Fault(FaultKind.FULL, 1, StoreOperation.PUT)])
    with pytest.raises(StoreError) as full:
        store.put_stream("a", iter([b"1", b"2"]))
    assert full.value.code == "store-full"
    assert list(inner.list("")) == []
    assert store.put_new("a", b"x")


def test_a_failing_and_a_lying_store() -> None:
    inner = MemoryStore()
    inner.put_new("a", b"abcd")
    faults = [
        Fault(FaultKind.FAILS, 1),
        Fault(FaultKind.SHORT, 2),
        Fault(FaultKind.FLIP, 3),
        Fault(FaultKind.FULL, 4),
    ]
    store = FaultStore(inner, faults=faults)
    with pytest.raises(StoreError):
        store.size("a")
    assert store.get("a") == b"ab"
    assert store.get_range("a", start=0, length=2) == b"ac"
    with pytest.raises(StoreError):
        store.delete("a")
    store.assert_all_hit()
    assert store.calls[1] == StoreCall(StoreOperation.GET, "a")


def test_a_fault_that_never_happened_fails_the_test() -> None:
    store = FaultStore(MemoryStore(), faults=[Fault(FaultKind.FLIP, 3, StoreOperation.GET)])
    store.size("a")
    with pytest.raises(AssertionError, match="never happened"):
        store.assert_all_hit()


def test_a_flip_of_nothing_is_nothing() -> None:
    inner = MemoryStore()
    inner.put_new("a", b"")
    assert FaultStore(inner, faults=[Fault(FaultKind.FLIP, 1)]).get("a") == b""


def test_it_names_the_store_within() -> None:
    store = FaultStore(MemoryStore())
    assert store.properties.address == "memory:"
    assert store.path("a") is None

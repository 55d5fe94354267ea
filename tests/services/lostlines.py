"""A night over a line to a bucket that loses requests.

Each request is lost once before it comes to the server; each answer is lost once, after the server did what was asked;
and the line is dead from one request on, as when the server is killed, and whoever comes later finds it mended.
"""

from itertools import count

import pytest

from services.proxy import Line, Loss
from services.servers import Server, opened
from smallvault import SmallVault
from unlost.model.errors import StoreError
from unlost.model.vault.snapshot import VerifyLevel
from unlost.testing.entropy import SeededEntropy
from unlost.vault.keys.founding import recovery_sheet
from unlost.vault.keys.opening import open_keyring
from unlost.vault.keys.unlock import ByRecoverySheet
from unlost.vault.stores import reach

ROWS = tuple((f"a{n}", "U", {"Name": f"Name {n}", "Phone": f"{n}"}) for n in range(40))
CHANGED = tuple((f"a{n}", "U", {"Name": f"Other {n}", "Phone": f"{n}"}) for n in range(0, 40, 3))
CHANGING = ("PUT ", "DELETE ")
SOME = 8  # of the requests that change nothing, the line ends at each of so many


def live_through(line: Line, server: Server, bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail where a loss costs more than the request that it hit."""
    monkeypatch.setattr(reach, "READ_TRIES", 1)
    paths = (f"vault-{number}" for number in count())
    calm = begun(server, bucket, next(paths), line)
    assert tried(calm) is None
    asked, expected = list(line.asked), picture(calm)
    for loss in Loss:
        small = begun(server, bucket, next(paths), line)
        line.mend(loss)
        assert tried(small) is None, loss
        assert len(line.lost) >= len(asked)
        line.mend()
        check(small, expected, loss.name)
    ends = [
        number
        for number, what in enumerate(asked, start=1)
        if what.startswith(CHANGING) or number % SOME == 0
    ]
    for end in ends:
        small = begun(server, bucket, next(paths), line)
        line.mend(end=end)
        outcome = tried(small)
        assert line.lost, f"the line never ended: {end} of {len(asked)}"
        line.mend()
        told = f"the line ended at {end} of {len(asked)}, {asked[end - 1]}: {outcome}"
        assert outcome is None or outcome.code == "store-failed", told
        small.reopen()
        assert picture(small) in (expected[:1], expected), told
        if outcome is not None:
            small.night("second", *CHANGED)
        check(small, expected, told)


def check(small: SmallVault, expected: list[object], told: str) -> None:
    """Each night is as it should be, and all of the vault is whole."""
    assert picture(small) == expected, told
    assert small.vault.verify(VerifyLevel.FULL).damages == (), told


def begun(server: Server, bucket: str, path: str, line: Line) -> SmallVault:
    """A vault with one night at a path of its own, reached by the line."""
    small = SmallVault()
    small.night("first", *ROWS)
    sheet = recovery_sheet(small.keys).text()
    straight = opened(server.place(bucket, path))
    for listed in small.store.list(""):
        straight.put_new(listed.name, small.store.get(listed.name))
    line.mend()
    place = server.place(bucket, path, url=line.url)
    small.store = reach.open_store(place, sleep=lambda _: None)
    small.keys = open_keyring(small.store, ByRecoverySheet(sheet), entropy=SeededEntropy(2))
    line.mend()
    return small


def tried(small: SmallVault) -> StoreError | None:
    """Another process does a night; what the store said, where it did not let it."""
    try:
        small.reopen()
        small.night("second", *CHANGED)
    except StoreError as error:
        return error
    return None


def picture(small: SmallVault) -> list[object]:
    """Each night's records."""
    nights = [info.number for info in small.vault.snapshots(small.org)]
    return [small.cells(number) for number in nights]

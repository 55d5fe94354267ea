"""Writers at once: each request is whole, and a key is created once."""

from concurrent.futures import ThreadPoolExecutor

from simulators.salesforce.writing.record_writer import ALL, RecordWriter
from unlost_simulators.salesforce.org import Org

WRITERS = 4


def test_one_of_many_upserts_creates(writer: RecordWriter) -> None:
    def upsert(number: int) -> list[bool | None]:
        rows = [{"Number__c": str(n), "Name": f"w{number}"} for n in range(50)]
        results = writer.upsert("Account", *rows, external_id="Number__c")
        assert all(one.success for one in results)
        return [one.created for one in results]

    with ThreadPoolExecutor(WRITERS) as pool:
        created = list(pool.map(upsert, range(WRITERS)))
    assert writer.live("Account") == 50
    assert all(sum(bool(one) for one in column) == 1 for column in zip(*created, strict=True))


def test_readers_never_see_half_a_request(writer: RecordWriter, org: Org) -> None:
    seen: set[int] = set()

    def write(number: int) -> None:
        rows = [{"Name": f"{number}.{n}"} for n in range(100)]
        writer.create("Account", *rows, *([{}] if number % 2 else []), all_or_none=ALL)

    def read() -> None:
        for _ in range(60):
            seen.add(org.query(writer.user, "SELECT COUNT() FROM Account").total)

    with ThreadPoolExecutor(WRITERS) as pool:
        reading = [pool.submit(read) for _ in range(2)]
        list(pool.map(write, range(8)))
        for one in reading:
            one.result()
    assert all(count % 100 == 0 for count in seen)
    assert writer.live("Account") == 400

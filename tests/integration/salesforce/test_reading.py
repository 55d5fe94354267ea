"""What is read is what the org holds: whole, night by night, and after what people do."""

from collections.abc import Sequence
from datetime import datetime

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from fakes.maker import BACKUP, Maker, last_ops
from fakes.runs import cells, ids, read_all
from unlost.app.home.system import SystemClock
from unlost.connectors.salesforce import AuthFlow
from unlost.connectors.salesforce.http.api import BatchedAnswer, BatchedGet, SalesforceApi
from unlost.connectors.salesforce.schema.special import ReadStrategy
from unlost.engine.sameness import same
from unlost.model.errors import NotAllowed
from unlost.model.finding import FindingKind
from unlost.model.source.reading import Page, Rows
from unlost.model.source.schema import Schema, TableTrait
from unlost.testing.system import MemoryCache

pytestmark = pytest.mark.network


def by_id(pages: list[Page]) -> dict[str, dict[str, str | None]]:
    return {
        row["Id"]: row for page in pages if page.rows.cells for row in page.rows.cells.to_pylist()
    }


def test_every_table_of_the_org_is_read_whole(maker: Maker) -> None:
    held = maker.admin.get("holds")
    with maker.source() as source:
        schema = source.discover()
        assert len(schema.tables) > 40
        for table in schema.tables:
            pages = read_all(source, table)
            ops = last_ops(pages)
            alive = sum(op == "U" for op in ops.values())
            if table.name.endswith("Share"):
                continue  # rows that the platform makes are left out
            assert alive == held[table.name]["live"], table.name
            assert not [finding for page in pages for finding in page.findings], table.name


def test_texts_come_as_the_org_holds_them(maker: Maker) -> None:
    for settings in ({"bulk_above": 0}, {}):
        read = by_id(maker.read("Account", **settings))
        held = maker.live("Account", username=BACKUP)
        assert len(read) == len(held)
        for row in held:
            for column in ("Name", "Customer_Number__c", "Description", "BillingStreet", "OwnerId"):
                assert read[row["Id"]][column] == (row[column] or None), (column, settings)


def test_rest_and_bulk_agree_on_ids_times_and_texts(maker: Maker) -> None:
    ways = (maker.read("EmailMessage"), maker.read("EmailMessage", bulk_above=0))
    rest, bulk = by_id(ways[0]), by_id(ways[1])
    assert rest.keys() == bulk.keys()
    texts = ("Subject", "TextBody", "HtmlBody", "FromAddress", "ParentId", "MessageIdentifier")
    for record, row in rest.items():
        assert {name: row[name] for name in texts} == {name: bulk[record][name] for name in texts}
    stamps = [
        sorted(stamp for page in pages for stamp in page.rows.modified_at.to_pylist())
        for pages in ways
    ]
    assert stamps[0] == stamps[1]


@pytest.mark.parametrize("name", ["Account", "Contact", "Opportunity"])
def test_a_value_read_by_bulk_and_later_by_rest_is_the_same(maker: Maker, name: str) -> None:
    with maker.source() as source:
        table = source.discover().table(name)
    assert table is not None
    rest, bulk = by_id(maker.read(name)), by_id(maker.read(name, bulk_above=0))
    assert rest.keys() == bulk.keys()
    for column in table.columns:
        pairs = {(rest[record].get(column.name), bulk[record].get(column.name)) for record in rest}
        changes = [pair for pair in pairs if not same(column.kind, *pair)]
        assert changes == [], column.name


def test_a_night_brings_what_changed_and_nothing_is_lost(maker: Maker) -> None:
    maker.advance(days=1)
    since = maker.cursor()
    maker.advance(hours=2)
    new, other = maker.insert("Contact", {"LastName": "Neu"}, {"LastName": "Andere"})
    old = maker.live("Contact")[5]["Id"]
    maker.admin.post("records/update", object="Contact", changes={old: {"Phone": "+32 1"}})
    maker.admin.post("records/delete", object="Contact", ids=[other])
    for bulk_above in (2000, 0):
        pages = maker.read("Contact", since=since, bulk_above=bulk_above)
        ops = last_ops(pages)
        assert ops[new] == "U"
        assert ops[old] == "U"
        assert ops[other] == "D"
        assert len(ops) < 20
        assert by_id(pages)[old]["Phone"] == "+32 1"
        assert not any(page.wants_census for page in pages)


def test_a_late_commit_is_caught_by_the_overlap(maker: Maker) -> None:
    maker.advance(days=1)
    (late,) = maker.insert("Contact", {"LastName": "Late"}, visible_after_seconds=300)
    since = maker.cursor()
    assert late not in ids(maker.read("Contact", since=since))
    maker.advance(minutes=10)
    assert late in ids(maker.read("Contact", since=since))


def test_a_hard_delete_is_told_by_the_delete_log(maker: Maker) -> None:
    maker.advance(days=1)
    since = maker.cursor()
    maker.advance(minutes=5)
    gone = maker.live("Lead")[0]["Id"]
    maker.admin.post("records/hard-delete", object="Lead", ids=[gone])
    maker.advance(minutes=5)
    pages = maker.read("Lead", since=since)
    assert last_ops(pages)[gone] == "P"
    assert pages[0].rows.cells is None


def test_an_undeleted_record_is_alive_again(maker: Maker) -> None:
    maker.advance(days=1)
    since = maker.cursor()
    maker.advance(minutes=5)
    record = maker.live("Lead")[1]["Id"]
    maker.admin.post("records/delete", object="Lead", ids=[record])
    maker.advance(minutes=5)
    maker.admin.post("records/undelete", object="Lead", ids=[record])
    maker.advance(minutes=5)
    assert last_ops(maker.read("Lead", since=since))[record] == "U"


def test_a_backup_that_is_too_old_asks_for_a_census(maker: Maker) -> None:
    since = maker.cursor()
    maker.advance(days=40)
    pages = maker.read("Lead", since=since)
    assert any(page.wants_census for page in pages)


def test_rows_by_id_come_from_the_bin_but_not_from_beyond(maker: Maker) -> None:
    in_bin, beyond, alive = (row["Id"] for row in maker.live("Product2")[:3])
    maker.admin.post("records/delete", object="Product2", ids=[in_bin])
    maker.admin.post("records/hard-delete", object="Product2", ids=[beyond])
    with maker.source(include=("Product2",)) as source:
        table = source.discover().tables[0]
        pages = list(source.read_ids(table, [in_bin, beyond, alive]))
    assert last_ops(pages) == {in_bin: "D", alive: "U"}


def test_files_open_and_their_sums_agree(maker: Maker) -> None:
    with maker.source(include=("ContentVersion", "Attachment", "Document")) as source:
        for table in source.discover().tables:
            pages = read_all(source, table)
            refs = [ref for page in pages for ref in source.files_in(table, page.rows)]
            assert refs
            for ref in refs[:10]:
                with source.open_file(ref) as stream:
                    assert len(stream.read()) == ref.size
            if table.name == "ContentVersion":
                assert all(ref.checksum and ref.name for ref in refs)


def test_history_is_named_on_the_tables_that_it_speaks_of(maker: Maker) -> None:
    with maker.source() as source:
        schema = source.discover()
    logs = {table.name: table.change_log.table for table in schema.tables if table.change_log}
    assert logs["Account"] == "AccountHistory"
    assert logs["Case"] == "CaseHistory"
    assert logs["Recipe__c"] == "Recipe__History"
    assert logs["Opportunity"] == "OpportunityFieldHistory"


def test_the_backup_user_sees_everything_but_big_objects(maker: Maker) -> None:
    with maker.source() as source:
        schema = source.discover()
        assert source.identity().label == "Kwinten Chocolade NV"
        assert source.identity().zone == "Europe/Brussels"
    gaps = [finding for finding in schema.findings if finding.severity.value == "gap"]
    assert [(gap.kind, gap.table) for gap in gaps] == [(FindingKind.TABLE_REFUSED, "Sensor_Log__b")]
    account = schema.table("Account")
    assert account is not None
    assert account.column("ParentId").reference.tables == ("Account",)  # type: ignore[union-attr]
    assert account.has(TableTrait.UNDELETE)


def test_the_narrow_user_is_told_what_he_does_not_see(maker: Maker) -> None:
    with maker.source(client_id="chocolate-narrow") as source:
        schema = source.discover()
        links = schema.table("ContentDocumentLink")
        assert links is not None
        assert links.strategy == ReadStrategy.PARENTS.value
        found = set(ids(read_all(source, links)))
    details = {finding.detail for finding in schema.findings}
    assert {"View All Data", "Query All Files", "View Setup and Configuration"} <= details
    assert len(found) < len(maker.live("ContentDocumentLink"))
    assert schema.table("Contact").column("Birthdate") is None  # type: ignore[union-attr]


def test_a_column_that_is_hidden_is_named_and_one_given_back_is_not(maker: Maker) -> None:
    place = {"username": BACKUP, "object": "Account", "field": "Phone"}
    maker.admin.post("access/hide-field", **place)
    with maker.source(include=("Account",)) as source:
        hidden = source.discover()
        maker.admin.post("access/show-field", **place)
        shown = source.discover()
    assert hidden.tables[0].hidden == ("Phone",)
    assert [f.column for f in hidden.findings if f.kind is FindingKind.COLUMN_HIDDEN] == ["Phone"]
    assert shown.tables[0].hidden == ()
    assert hidden.fingerprint == shown.fingerprint, "rights on rows did not change"


def test_a_table_that_is_taken_away_is_not_described(maker: Maker) -> None:
    place = {"username": BACKUP, "object": "Tasting__c"}
    maker.admin.post("access/hide-object", **place)
    with maker.source() as source:
        schema = source.discover()
        maker.admin.post("access/show-object", **place)
    assert schema.table("Tasting__c") is None
    assert schema.table("Tasting_Score__c") is not None


def test_describes_that_did_not_change_are_not_sent_again(
    maker: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[int] = []
    real = SalesforceApi.composite

    def composite(
        api: SalesforceApi, gets: Sequence[BatchedGet]
    ) -> tuple[list[BatchedAnswer], datetime]:
        answers, at = real(api, gets)
        told.extend(answer.status for answer in answers)
        return answers, at

    def look() -> tuple[Schema, int, int]:
        told.clear()
        with maker.source(cache=cache) as source:
            schema = source.discover()
        return schema, told.count(200), told.count(304)

    monkeypatch.setattr(SalesforceApi, "composite", composite)
    cache = MemoryCache()
    first, sent, _ = look()
    assert sent > 80
    maker.advance(hours=1)
    again, sent, same = look()
    assert (sent, same) == (0, len(told))
    assert again == first
    field = {"name": "Roast__c", "type": "string", "length": 20}
    maker.admin.post("schema/add-field", object="Recipe__c", field=field)
    maker.advance(hours=1)
    changed, sent, _ = look()
    assert sent >= 1
    assert changed.table("Recipe__c").column("Roast__c")  # type: ignore[union-attr]
    place = {"username": BACKUP, "object": "Account", "field": "Phone"}
    maker.admin.post("access/hide-field", **place)
    hidden, *_ = look()
    assert hidden.table("Account").hidden == ("Phone",)  # type: ignore[union-attr]
    maker.admin.post("access/show-field", **place)
    shown, *_ = look()
    assert shown.table("Account").hidden == ()  # type: ignore[union-attr]


def test_a_permission_taken_away_moves_the_fingerprint_and_one_given_back_restores_it(
    maker: Maker,
) -> None:
    right = {"username": BACKUP, "permission": "ViewAllData"}
    with maker.source(include=("Account",)) as source:
        before = source.discover().fingerprint
        maker.admin.post("access/permission", **right, granted=False)
        without = source.discover().fingerprint
        maker.admin.post("access/permission", **right, granted=True)
        again = source.discover().fingerprint
    assert before == again
    assert before != without


def test_quotas_count_our_own_calls(maker: Maker) -> None:
    with maker.source() as source:
        source.identity()
        quotas = {quota.name: quota for quota in source.quotas()}
    assert quotas["API calls a day"].used >= 2
    assert quotas["data storage"].limit > quotas["data storage"].used > 0
    assert maker.budget.limit == quotas["API calls a day"].limit


def test_a_jwt_sign_in_with_a_real_signature(maker: Maker) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    maker.admin.post("apps", consumer_key="jwt-app", approved=[BACKUP])
    maker.admin.post("apps/key", consumer_key="jwt-app", pem=public.decode())
    maker.clock = SystemClock()  # type: ignore[assignment]  # assertions are checked by real time
    with maker.source(
        client_id="jwt-app", auth=AuthFlow.JWT_BEARER, username=BACKUP, secrets={"private_key": pem}
    ) as source:
        assert source.identity().label == "Kwinten Chocolade NV"
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    with (
        maker.source(
            client_id="jwt-app",
            auth=AuthFlow.JWT_BEARER,
            username=BACKUP,
            secrets={"private_key": stranger.decode()},
        ) as source,
        pytest.raises(NotAllowed),
    ):
        source.identity()


def test_a_refresh_token_rotates_and_the_new_one_is_kept(maker: Maker) -> None:
    maker.admin.post("apps", consumer_key="chocolate-backup", rotate_refresh=True)
    granted = maker.admin.post(
        "sessions/refresh-token", username=BACKUP, consumer_key="chocolate-backup"
    )["refresh_token"]
    secrets = {"client_secret": "not-a-secret-chocolate", "refresh_token": granted}
    for _ in range(3):
        with maker.source(auth=AuthFlow.REFRESH_TOKEN, secrets=secrets) as source:
            source.identity()
            kept = source._api._session._secrets.get("refresh_token")
        assert kept != secrets["refresh_token"]
        secrets["refresh_token"] = kept
    with (
        maker.source(
            auth=AuthFlow.REFRESH_TOKEN, secrets=secrets | {"refresh_token": granted}
        ) as source,
        pytest.raises(NotAllowed) as caught,
    ):
        source.identity()
    assert caught.value.code == "salesforce-token-revoked"


def test_wrong_credentials_are_told_apart(maker: Maker) -> None:
    for client, secret, code in (
        ("chocolate-backup", "wrong", "salesforce-client-secret"),
        ("nobody", "x", "salesforce-client-id"),
        ("third-party", "not-a-secret-third-party", "salesforce-no-run-as"),
    ):
        with (
            maker.source(client_id=client, secrets={"client_secret": secret}) as source,
            pytest.raises(NotAllowed) as caught,
        ):
            source.identity()
        assert caught.value.code == code


def test_hostile_texts_survive_both_ways(maker: Maker) -> None:
    texts = [
        "NA",
        "#N/A",
        "null",
        "007",
        'a "b" c',
        "x\ny\r\nz",
        "=1+1",
        "日本語 🍫",
        "a,b;c",
        "\x00nul",
    ]
    made = maker.insert(
        "Contact", *({"LastName": f"H{n}", "Description": t} for n, t in enumerate(texts))
    )
    for settings in ({"bulk_above": 0}, {}):
        read = by_id(maker.read("Contact", **settings))
        assert [read[record]["Description"] for record in made] == texts
    assert isinstance(maker.read("Contact")[0].rows, Rows)
    assert len(cells(maker.read("Contact"), "LastName")) >= len(texts)

"""Small values around the org: API meter, describe stamps, versions, certificates, subjects."""

import ssl
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15

from unlost_simulators.salesforce import versions
from unlost_simulators.salesforce.clock import VirtualClock
from unlost_simulators.salesforce.etags import DescribeStamps, unchanged
from unlost_simulators.salesforce.http.columns import column_metadata
from unlost_simulators.salesforce.http.finish import http_date
from unlost_simulators.salesforce.http.queries import repair_offsets
from unlost_simulators.salesforce.http.subjects import from_object
from unlost_simulators.tls import make_tls_files


def clock() -> VirtualClock:
    return VirtualClock(datetime(2026, 3, 1, 12, tzinfo=UTC))


def test_describe_stamp_moves_with_content_even_if_the_clock_stands() -> None:
    now = clock()
    stamps = DescribeStamps(now.now)
    etag, first = stamps.stamp(("u", "account"), b"1")
    assert stamps.stamp(("u", "account"), b"1") == (etag, first)
    other, second = stamps.stamp(("u", "account"), b"2")
    assert other != etag
    assert second > first
    assert not unchanged(None, http_date(now.now()), etag=other, modified=second)


def test_conditional_requests() -> None:
    when = datetime(2026, 3, 1, 12, tzinfo=UTC)
    later = http_date(when + timedelta(hours=1))
    assert unchanged('"abc--gzip"', None, etag='"abc"', modified=when)
    assert unchanged('W/"x", "abc"', None, etag='"abc"', modified=when)
    assert not unchanged('"abd"', later, etag='"abc"', modified=when)
    assert unchanged(None, http_date(when), etag='"abc"', modified=when)
    assert not unchanged(None, http_date(when - timedelta(1)), etag='"abc"', modified=when)
    assert not unchanged(None, "not a date", etag='"abc"', modified=when)
    assert not unchanged(None, None, etag='"abc"', modified=when)


def test_versions_are_labelled_as_released() -> None:
    listing = versions.listing()
    assert listing[0] == {
        "label": "Summer '14",
        "url": "/services/data/v31.0",
        "version": "31.0",
    }
    labels = {each["version"]: each["label"] for each in listing}
    assert labels["42.0"] == "Spring ’18"
    assert labels["59.0"] == "Winter '24"
    assert labels["66.0"] == "Spring '26"
    assert labels["67.0"] == "Summer '26"
    assert labels["68.0"] == "Winter '27"
    assert [float(each["version"]) for each in listing] == sorted(map(float, labels))
    assert versions.parse("V66.0") == 66
    assert versions.parse("66.0") is None


def test_outermost_object_of_a_query() -> None:
    assert from_object("SELECT Id, (SELECT Id FROM Contacts) FROM Account a") == "Account"
    assert from_object("select id from Contact where A IN (select b from C)") == "Contact"
    assert from_object("nonsense") is None


def test_a_plus_sign_lost_in_the_address_comes_back() -> None:
    lost = "SELECT Id FROM A WHERE D > 2026-01-31T10:00:00 02:00 AND N = '10:00:00 02:00'"
    assert repair_offsets(lost) == (
        "SELECT Id FROM A WHERE D > 2026-01-31T10:00:00+02:00 AND N = '10:00:00 02:00'"
    )
    assert repair_offsets("D < 2026-01-31T10:00:00.000 0100") == "D < 2026-01-31T10:00:00.000+0100"


def test_certificates_chain_and_load(tmp_path) -> None:
    files = make_tls_files(tmp_path)
    ca = x509.load_pem_x509_certificate(files.ca.read_bytes())
    server = x509.load_pem_x509_certificate(files.certificate.read_bytes())
    key = ca.public_key()
    key.verify(
        server.signature,
        server.tbs_certificate_bytes,
        PKCS1v15(),
        server.signature_hash_algorithm,
    )
    names = server.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert "localhost" in names.get_values_for_type(x509.DNSName)
    assert str(names.get_values_for_type(x509.IPAddress)[0]) == "127.0.0.1"
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.certificate, files.key)
    assert files.key.stat().st_mode & 0o077 == 0


def test_column_metadata_of_a_query() -> None:
    found = column_metadata("SELECT Id, Owner.Name, (SELECT Id FROM Contacts), X__c FROM Account")
    assert [each["columnName"] for each in found["columnMetadata"]] == ["Id", "Owner", "X__c"]
    assert found["columnMetadata"][1]["joinColumns"][0]["columnName"] == "Name"
    assert (found["entityName"], found["idSelected"]) == ("Account", True)
    counted = column_metadata("SELECT COUNT(Id) n FROM Account GROUP BY Name")
    assert counted["columnMetadata"][0]["columnName"] == "n"
    assert counted["groupBy"] is True

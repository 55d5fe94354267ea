"""The certificate beside a key tells when it ends."""

from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from unlost.connectors.salesforce import CONNECTOR

END = datetime(2027, 3, 4, 5, 6, 7, tzinfo=UTC)


def pem(name: str, *, until: datetime = END) -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)] if name else [])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(until - timedelta(days=365))
        .not_valid_after(until)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return private.decode() + made.public_bytes(serialization.Encoding.PEM).decode()


def test_the_end_of_the_certificate_is_told() -> None:
    (one,) = CONNECTOR.expiries({"private_key": pem("backup")})
    assert (one.name, one.at) == ("the certificate CN=backup", END)
    (nameless,) = CONNECTOR.expiries({"private_key": pem("")})
    assert nameless.name == "the certificate 7"


def test_what_has_no_certificate_tells_nothing() -> None:
    private = pem("backup").split("-----BEGIN CERTIFICATE")[0]
    for secrets in ({}, {"private_key": private}, {"client_secret": "x"}):
        assert CONNECTOR.expiries(secrets) == ()
    cut = "-----BEGIN CERTIFICATE-----\nrubbish\n-----END CERTIFICATE-----\n"
    assert CONNECTOR.expiries({"private_key": cut}) == ()

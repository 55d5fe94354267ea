"""Expiry of the certificate of a JWT sign-in.

Salesforce accepts signed assertions only while the certificate uploaded to the app is valid
(Salesforce help, OAuth 2.0 JWT bearer flow). Other sign-ins end by revocation, which cannot be
foreseen.
"""

from collections.abc import Mapping, Sequence

from cryptography import x509

from unlost.model.source.connector_info import Expiry

KEY = "private_key"
BEGIN = "-----BEGIN CERTIFICATE-----"


def expiries(secrets: Mapping[str, str]) -> Sequence[Expiry]:
    """The expiries of the certificates in the PEM of the key; none if it has no certificate."""
    pem = secrets.get(KEY, "")
    if BEGIN not in pem:
        return ()
    try:
        certificates = x509.load_pem_x509_certificates(pem.encode())
    except ValueError:
        return ()
    return tuple(
        Expiry(f"the certificate {certificate.subject.rfc4514_string() or certificate.serial_number}",
               certificate.not_valid_after_utc)
        for certificate in certificates
    )  # fmt: skip

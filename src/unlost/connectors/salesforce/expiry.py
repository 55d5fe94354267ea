"""When the certificate of a JWT sign-in ends.

Salesforce takes signed assertions only as long as the certificate that was uploaded to the app is valid
(Salesforce help, OAuth 2.0 JWT bearer flow). Other sign-ins end by revocation, which nobody foretells.
"""

from collections.abc import Mapping, Sequence

from cryptography import x509

from unlost.model.connector_info import Expiry

KEY = "private_key"
BEGIN = "-----BEGIN CERTIFICATE-----"


def expiries(secrets: Mapping[str, str]) -> Sequence[Expiry]:
    """The ends of the certificates in the PEM of the key; a file without one tells nothing."""
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

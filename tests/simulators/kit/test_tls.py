"""The test authority and the server's certificate."""

import ssl

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15

from unlost_simulators.kit.tls import make_tls_files


def test_certificates_chain_and_load(tmp_path) -> None:
    files = make_tls_files(tmp_path, hosts=("*.bakery.example",))
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
    assert names.get_values_for_type(x509.DNSName) == [
        "localhost",
        "*.localhost",
        "*.bakery.example",
    ]
    assert str(names.get_values_for_type(x509.IPAddress)[0]) == "127.0.0.1"
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.certificate, files.key)
    assert files.key.stat().st_mode & 0o077 == 0

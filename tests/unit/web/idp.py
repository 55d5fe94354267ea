"""A SAML identity provider that signs what a test tells it to, right or wrong."""

import zlib
from base64 import b64decode, b64encode
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from urllib.parse import parse_qs, urlsplit

import xmlsec
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from django.test import Client
from lxml import etree

ENTITY = "https://idp.acme.example/metadata"
SIGN_IN = "https://idp.acme.example/sso"
CONSOLE = "http://localhost/account/saml/acme"
BEARER = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
METADATA = """<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{entity}">
<IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">{keys}
<SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="{sign_in}"/>
</IDPSSODescriptor></EntityDescriptor>"""
KEY = """<KeyDescriptor use="signing"><KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data>
<X509Certificate>{certificate}</X509Certificate></X509Data></KeyInfo></KeyDescriptor>"""


@dataclass(frozen=True)
class Identity:
    """A key, and the certificate of it."""

    key: str
    certificate: str

    @property
    def bare(self) -> str:
        return "".join(self.certificate.splitlines()[1:-1])


@cache
def identity(name: str = "idp") -> Identity:
    """The same one for a name as long as the tests run."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    whose = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(whose)
        .issuer_name(whose)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .sign(key, SHA256())
    )
    written = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return Identity(written.decode(), made.public_bytes(Encoding.PEM).decode())


def metadata(*identities: Identity, sign_in: str = SIGN_IN) -> str:
    keys = "".join(KEY.format(certificate=one.bare) for one in identities or (identity(),))
    return METADATA.format(entity=ENTITY, sign_in=sign_in, keys=keys)


def unpacked(request: str) -> Any:
    """A request as browsers carry it (SAML Bindings 2.0, section 3.4.4.1)."""
    return etree.fromstring(zlib.decompress(b64decode(request), -15))


def ask(client: Client) -> str:
    """Begin a sign-in; gives the id of the request that goes to the provider."""
    there = client.post("/account/saml/acme/login/?process=login")
    assert there.status_code == 302, there.content
    assert there["Location"].startswith(SIGN_IN)
    packed = parse_qs(urlsplit(there["Location"]).query)["SAMLRequest"][0]
    request = unpacked(packed)
    assert request.get("AssertionConsumerServiceURL") == f"{CONSOLE}/acs/"
    return str(request.get("ID"))


@dataclass(frozen=True, kw_only=True)
class Says:
    """What an answer says; the times are minutes from now. None leaves a part out."""

    request: str
    email: str = "lena@acme.example"
    name: str | None = "lena-0017"
    verified: str = "true"
    audience: str | None = f"{CONSOLE}/metadata/"
    recipient: str = f"{CONSOLE}/acs/"
    destination: str = f"{CONSOLE}/acs/"
    issuer: str = ENTITY
    begins: int = -5
    ends: int | None = 5
    bound: bool = True  # the signed part names the request
    status: str = "Success"


def written(says: Says, *, signed: Identity | None = None, whole: bool = False) -> Any:
    """The answer as XML; ``whole`` signs all of it in the place of its assertion."""
    root = etree.fromstring(_text(says), etree.XMLParser(remove_blank_text=True))
    if signed is not None:
        sign(root if whole else root[-1], signed)
    return root


def sign(element: Any, by: Identity) -> None:
    """Put an enveloped signature after the issuer, as the schema wants it."""
    made = xmlsec.template.create(
        element, xmlsec.Transform.EXCL_C14N, xmlsec.Transform.RSA_SHA256, ns="ds"
    )
    element.insert(1, made)
    reference = xmlsec.template.add_reference(
        made, xmlsec.Transform.SHA256, uri=f"#{element.get('ID')}"
    )
    xmlsec.template.add_transform(reference, xmlsec.Transform.ENVELOPED)
    xmlsec.template.add_transform(reference, xmlsec.Transform.EXCL_C14N)
    xmlsec.tree.add_ids(element, ["ID"])
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_memory(by.key, xmlsec.KeyFormat.PEM)
    context.sign(made)


def send(client: Client, answer: Any) -> Any:
    """What the console says to an answer that the provider's page sends."""
    text = answer if isinstance(answer, str) else b64encode(etree.tostring(answer)).decode()
    return client.post("/account/saml/acme/acs/", {"SAMLResponse": text}, follow=True)


def _text(says: Says) -> str:
    def at(minutes: int) -> str:
        return (datetime.now(UTC) + timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")

    until = f'NotOnOrAfter="{at(says.ends)}"' if says.ends is not None else ""
    bound = f'InResponseTo="{says.request}"' if says.bound else ""
    audience = (
        f"<AudienceRestriction><Audience>{says.audience}</Audience></AudienceRestriction>"
        if says.audience
        else ""
    )
    person = f"<NameID>{says.name}</NameID>" if says.name else ""
    return f"""<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol"
 xmlns="urn:oasis:names:tc:SAML:2.0:assertion" ID="_r1" Version="2.0" IssueInstant="{at(0)}"
 Destination="{says.destination}" InResponseTo="{says.request}"><Issuer>{says.issuer}</Issuer>
<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:{says.status}"/></samlp:Status>
<Assertion ID="_a1" Version="2.0" IssueInstant="{at(0)}"><Issuer>{says.issuer}</Issuer>
<Subject>{person}<SubjectConfirmation Method="{BEARER}">
<SubjectConfirmationData {until} {bound} Recipient="{says.recipient}"/></SubjectConfirmation></Subject>
<Conditions NotBefore="{at(says.begins)}" {until}>{audience}</Conditions>
<AuthnStatement AuthnInstant="{at(0)}"><AuthnContext><AuthnContextClassRef>
urn:oasis:names:tc:SAML:2.0:ac:classes:Password</AuthnContextClassRef></AuthnContext></AuthnStatement>
<AttributeStatement><Attribute Name="email"><AttributeValue>{says.email}</AttributeValue></Attribute>
<Attribute Name="http://schemas.auth0.com/email_verified"><AttributeValue>{says.verified}</AttributeValue>
</Attribute></AttributeStatement></Assertion></samlp:Response>"""

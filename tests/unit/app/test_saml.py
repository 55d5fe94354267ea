"""What a SAML identity provider tells of itself; ``make saml`` installs what reads it."""

from dataclasses import replace

import pytest

pytest.importorskip("xmlsec")

from homes import World
from unit.web.idp import ENTITY, SIGN_IN, identity, metadata
from unlost.app.actions.people.sso import NewSaml, add_saml, providers, remove
from unlost.app.people import saml
from unlost.app.people.saml import described, read_metadata
from unlost.catalog.people.sso import SsoProtocol
from unlost.model.errors import Conflict, UsageError

NEW = NewSaml(name="acme", metadata=metadata())


def test_metadata_is_read_from_its_text_or_its_address(monkeypatch: pytest.MonkeyPatch) -> None:
    told = read_metadata(f"\n {metadata()}")
    assert (told.entity, told.sign_in, told.origin) == (ENTITY, SIGN_IN, "https://idp.acme.example")
    assert told.certificates == (identity().bare,)
    monkeypatch.setattr(saml, "get_body", lambda url: metadata().encode() if url == "u" else b"")
    assert read_metadata("u") == told


def test_all_certificates_that_sign_are_kept() -> None:
    both = read_metadata(metadata(identity("old"), identity("new"))).certificates
    assert both == (identity("old").bare, identity("new").bare)


@pytest.mark.parametrize(
    "text",
    [
        "<a/>",
        "<not xml",
        '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
        metadata().replace("HTTP-Redirect", "HTTP-POST"),
        metadata().replace(SIGN_IN, "http://idp.acme.example/sso"),
        metadata().replace(SIGN_IN, "javascript:alert(1)"),
        metadata().replace(f'entityID="{ENTITY}"', ""),
    ],
)
def test_what_describes_no_provider_is_refused(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_metadata(text)
    assert caught.value.code == "saml-metadata"


def test_what_is_no_certificate_is_refused() -> None:
    for wrong in ("", "no", "AAAA", identity().key):
        with pytest.raises(UsageError) as caught:
            described(ENTITY, SIGN_IN, (wrong,))
        assert caught.value.code == "saml-certificate"
    for right in (identity().certificate, identity().bare):
        assert described(ENTITY, SIGN_IN, (right,)).certificates == (identity().bare,)


def test_one_is_kept_listed_and_removed(world: World) -> None:
    added = add_saml(world.app, NEW)
    assert (added.title, added.issuer, added.kind) == ("acme", ENTITY, SsoProtocol.SAML)
    assert providers(world.app).providers == (added,)
    with pytest.raises(Conflict):
        add_saml(world.app, NEW)
    assert remove(world.app, "acme") == added
    assert providers(world.app).providers == ()
    with pytest.raises(UsageError) as caught:
        add_saml(world.app, replace(NEW, name="a b"))
    assert caught.value.code == "sso-name"

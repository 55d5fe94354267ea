"""URLs of SAML sign-ins, below those of accounts."""

from django.urls import path

from unlost.web.signin.saml import views

urlpatterns = [
    path("<slug:name>/login/", views.login, name="saml_login"),
    path("<slug:name>/acs/", views.arrive, name="saml_acs"),
    path("<slug:name>/finish/", views.finish, name="saml_finish"),
    path("<slug:name>/metadata/", views.metadata, name="saml_metadata"),
]

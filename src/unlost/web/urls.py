"""The addresses of the console."""

from django.urls import include, path, register_converter

from unlost.web.addresses import Name
from unlost.web.api.building import build
from unlost.web.pages import home, record, records, start

register_converter(Name, "name")

handler404 = "unlost.web.failing.not_found"
handler500 = "unlost.web.failing.broken"

_RECORD = "orgs/<name:org>/records/<name:table>/<name:record>/"

urlpatterns = [
    path("", home.home, name="home"),
    path("find/", records.find, name="find"),
    path(_RECORD, record.timeline, name="record"),
    path(f"{_RECORD}fields/", record.fields, name="record-fields"),
    path(f"{_RECORD}related/", record.related, name="record-related"),
    path(f"{_RECORD}files/", record.files, name="record-files"),
    path("orgs/<name:org>/files/<name:record>/", record.download, name="file"),
    path("start/<str:text>/", start.start, name="start"),
    path("api/v1/", build().urls),
    path("account/", include("allauth.urls")),
]

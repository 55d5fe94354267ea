"""The addresses of the console."""

from django.urls import include, path, register_converter

from unlost.web.addresses import Name
from unlost.web.api.building import build
from unlost.web.pages import compare, home, jobs, record, records, restore, start

register_converter(Name, "name")

handler404 = "unlost.web.failing.not_found"
handler500 = "unlost.web.failing.broken"

_PLAN = "orgs/<name:org>/restores/<str:plan>/"
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
    path("orgs/<name:org>/compare/", compare.compare, name="compare"),
    path("orgs/<name:org>/lost/", compare.lost, name="lost"),
    path("orgs/<name:org>/restores/", restore.begin, name="restore"),
    path(_PLAN, restore.plan, name="plan"),
    path(f"{_PLAN}records/<name:table>/", restore.records, name="plan-records"),
    path(f"{_PLAN}without/", restore.without, name="plan-without"),
    path(f"{_PLAN}again/", restore.again, name="plan-again"),
    path(f"{_PLAN}drop/", restore.drop, name="plan-drop"),
    path(f"{_PLAN}run/", restore.run, name="plan-run"),
    path("orgs/<name:org>/backup/", jobs.back_up, name="back-up"),
    path("jobs/", jobs.jobs, name="jobs"),
    path("jobs/<str:run>/", jobs.job, name="job"),
    path("jobs/<str:run>/retry/", jobs.retry, name="job-retry"),
    path("jobs/<str:run>/<str:act>/", jobs.act, name="job-act"),
    path("account/", include("allauth.urls")),
]

"""The version root and the table of everything below it."""

from __future__ import annotations

from unlost_simulators.kit.http.calls import Answer, json_answer
from unlost_simulators.salesforce.http import describes, limits
from unlost_simulators.salesforce.http.bulk import ingest, jobs
from unlost_simulators.salesforce.http.combined.composite import Composite
from unlost_simulators.salesforce.http.combined.graph import Graphs
from unlost_simulators.salesforce.http.combined.subrequests import Dispatch
from unlost_simulators.salesforce.http.context import Context
from unlost_simulators.salesforce.http.reading import automation, queries, tooling
from unlost_simulators.salesforce.http.rest import collections, records, tree
from unlost_simulators.salesforce.http.routes import RouteTable, route_table

# Names that the version root lists; those that the simulator does not serve answer 404.
RESOURCES = (
    "tooling", "metadata", "folders", "eclair", "prechatvisit", "chatter", "tabs", "appMenu",
    "quickActions", "queryAll", "commerce", "wave", "iot", "analytics", "search", "composite",
    "parameterizedSearch", "fingerprint", "theme", "nouns", "event", "serviceTemplates", "recent",
    "connect", "licensing", "limits", "process", "jobs", "actions", "query", "sobjects",
)  # fmt: skip


def version_root(context: Context) -> Answer:
    """Answer ``GET /services/data/vNN.0``."""
    document = {name: f"{context.base}/{name}" for name in RESOURCES}
    document["identity"] = context.sim.tokens.identity_url(context.user.id)
    return json_answer(document)


def jobs_root(context: Context) -> Answer:
    """Answer ``GET jobs``."""
    base = f"{context.base}/jobs"
    return json_answer({"ingest": f"{base}/ingest", "query": f"{base}/query"})


def table(dispatch: Dispatch) -> RouteTable:
    """Give the routes; ``dispatch`` answers the subrequests of the composite resources."""
    routes = route_table()
    routes.add("", GET=version_root)
    routes.add("limits", GET=limits.limits)
    routes.add("limits/recordcount", GET=limits.record_count)
    routes.add("query", GET=queries.query)
    routes.add("queryall", GET=queries.query_all)
    routes.add("query/{locator}", GET=queries.next_page)
    routes.add("queryall/{locator}", GET=queries.next_page)
    _add_objects(routes)
    _add_jobs(routes)
    _add_composites(routes, Composite(dispatch))
    routes.add("process/rules", GET=automation.workflow_rules)
    routes.add("tooling/query", GET=tooling.query)
    routes.add("tooling/sobjects/{object}/describe", GET=tooling.describe)
    return routes


def _add_objects(routes: RouteTable) -> None:
    routes.add("sobjects", GET=describes.global_describe)
    routes.add("sobjects/{object}", GET=describes.basic, POST=records.create)
    routes.add("sobjects/{object}/describe", GET=describes.describe)
    routes.add("sobjects/{object}/updated", GET=records.updated)
    routes.add("sobjects/{object}/deleted", GET=records.deleted)
    routes.add(
        "sobjects/{object}/{id}",
        GET=records.record,
        PATCH=records.update,
        DELETE=records.delete,
        POST=records.override,
    )
    routes.add(
        "sobjects/{object}/{first}/{second}",
        GET=records.record_or_blob,
        PATCH=records.upsert,
        DELETE=records.delete_by_key,
        POST=records.override,
    )
    routes.add("sobjects/{object}/{id}/richtextimagefields/{field}/{image}", GET=records.image)


def _add_composites(routes: RouteTable, bundle: Composite) -> None:
    many = collections
    routes.add("composite", POST=bundle.composite)
    routes.add("composite/batch", POST=bundle.batch)
    routes.add("composite/graph", POST=Graphs(bundle).run)
    routes.add("composite/tree/{object}", POST=tree.create)
    routes.add("composite/sobjects", POST=many.create, PATCH=many.update, DELETE=many.delete)
    routes.add("composite/sobjects/{object}", GET=many.retrieve, POST=many.retrieve)
    routes.add("composite/sobjects/{object}/{field}", PATCH=many.upsert)


def _add_jobs(routes: RouteTable) -> None:
    routes.add("jobs", GET=jobs_root)
    routes.add("jobs/query", GET=jobs.listing, POST=jobs.create)
    routes.add("jobs/query/{id}", GET=jobs.info, PATCH=jobs.change, DELETE=jobs.delete)
    routes.add("jobs/query/{id}/results", GET=jobs.results)
    routes.add("jobs/query/{id}/resultpages", GET=jobs.result_pages)
    routes.add("jobs/ingest", GET=ingest.listing, POST=ingest.create)
    routes.add("jobs/ingest/{id}", GET=ingest.info, PATCH=ingest.change, DELETE=ingest.delete)
    routes.add("jobs/ingest/{id}/batches", PUT=ingest.upload)
    routes.add("jobs/ingest/{id}/successfulresults", GET=ingest.successful)
    routes.add("jobs/ingest/{id}/failedresults", GET=ingest.failed)
    routes.add("jobs/ingest/{id}/unprocessedrecords", GET=ingest.unprocessed)

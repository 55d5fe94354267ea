"""Composite and batch: up to 25 subrequests in one call.

Subrequests go through the same routes as calls of their own. Source: REST guide
(resources-composite-composite, resources-composite-batch), recorded answers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from unlost_simulators.kit.http.calls import Answer, json_answer
from unlost_simulators.salesforce.http.combined import references, subrequests
from unlost_simulators.salesforce.http.combined.subrequests import Dispatch, Subrequest
from unlost_simulators.salesforce.http.context import Context
from unlost_simulators.salesforce.http.json_texts import error_answer, record_json
from unlost_simulators.salesforce.http.rest.bodies import flag
from unlost_simulators.salesforce.model.errors import SalesforceError

# REST API guide: composite batch and composite take 25 subrequests; of those of composite 5 can be
# queries or collections.
MAX_SUBREQUESTS = 25
MAX_QUERIES = 5
_HALTED = SalesforceError(412, "BATCH_PROCESSING_HALTED", "Batch processing halted per request")


class RolledBack(Exception):
    """Rolls the transaction of a composite request back."""


class Composite:
    """Handlers that need the dispatcher itself."""

    def __init__(self, dispatch: Dispatch) -> None:
        self._dispatch = dispatch

    def batch(self, context: Context) -> Answer:
        """Answer ``POST composite/batch``."""
        wanted = record_json(context.call.body)
        requests = listed(wanted, "batchRequests")
        halt = flag(wanted.get("haltOnError"))
        results: list[dict[str, Any]] = []
        failed = False
        for request in requests:
            subrequest = subrequests.read(request, body="richInput", prefix="/services/data/")
            if halt and failed:
                answer = error_answer(_HALTED)
            else:
                answer = subrequests.answer(context, subrequest, self._dispatch)
            failed = failed or answer.status >= 400
            results.append({"statusCode": answer.status, "result": answer.document})
        return json_answer({"hasErrors": failed, "results": results})

    def composite(self, context: Context) -> Answer:
        """Answer ``POST composite``."""
        wanted = record_json(context.call.body)
        requests = [subrequests.read(document) for document in listed(wanted, "compositeRequest")]
        if sum(_counts(subrequest.target.lower()) for subrequest in requests) > MAX_QUERIES:
            text = f"cannot execute more than {MAX_QUERIES} queries or collections in one call"
            raise limit(text)
        if flag(wanted.get("allOrNone")):
            entries = self._together(context, requests)
        else:
            entries = [entry for entry, _ in self._each(context, requests)]
        return json_answer({"compositeResponse": entries})

    def _together(self, context: Context, requests: Sequence[Subrequest]) -> list[dict[str, Any]]:
        """Answer subrequests in one transaction.

        After a failure the failed one keeps its answer, all others were rolled back.
        """
        answers: list[tuple[dict[str, Any], bool]] = []
        try:
            with context.sim.org.store.transaction():
                answers = self._each(context, requests, stop=True)
                if answers[-1][1]:
                    raise RolledBack
        except RolledBack:
            broken = len(answers) - 1
            return [
                answers[broken][0] if at == broken else subrequests.halted(subrequest)
                for at, subrequest in enumerate(requests)
            ]
        return [entry for entry, _ in answers]

    def _each(
        self, context: Context, requests: Sequence[Subrequest], *, stop: bool = False
    ) -> list[tuple[dict[str, Any], bool]]:
        """Elements of the answer, each with whether it failed; ``stop`` ends with the first."""
        results: dict[str, Any] = {}
        answers: list[tuple[dict[str, Any], bool]] = []
        for subrequest in requests:
            answer = self.answer_one(context, subrequest, results)
            results[subrequest.reference] = answer.document
            answers.append((subrequests.entry(subrequest, answer), subrequests.failed(answer)))
            if stop and answers[-1][1]:
                break
        return answers

    def answer_one(
        self, context: Context, subrequest: Subrequest, results: dict[str, Any]
    ) -> Answer:
        """Answer one subrequest; ``results`` are the bodies that references point into."""
        try:
            ready = subrequests.resolved(subrequest, results, context.version)
        except references.Absent as error:
            return error_answer(error)
        return subrequests.answer(context, ready, self._dispatch)


def _counts(target: str) -> bool:
    return "/query" in target or "/composite/sobjects" in target


def listed(wanted: dict[str, Any], key: str, *, most: int = MAX_SUBREQUESTS) -> list[object]:
    """The subrequests of a body: at least one, at most ``most``."""
    requests = wanted.get(key)
    if not isinstance(requests, list) or not requests:
        raise SalesforceError(400, "REQUIRED_FIELD_MISSING", f"{key} is required")
    if len(requests) > most:
        raise limit(f"cannot process more than {most} subrequests in one call")
    return requests


def limit(text: str) -> SalesforceError:
    """The refusal of a request that is too large."""
    return SalesforceError(400, "LIMIT_EXCEEDED", text)

"""The admin API under ``/__sim__``: the test's hand inside the org. It needs no token.

Bodies and answers are JSON, times ISO 8601 in UTC. A mistake of the caller is answered with 400 and
``{"error": …}``, a refusal of the org as its service answers it.
"""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable, Mapping
from typing import Any

from unlost_simulators.kit.http import encoding
from unlost_simulators.kit.http.calls import Answer, Call, json_answer
from unlost_simulators.kit.http.delivery import Parcel

type Wanted = Mapping[str, Any]
type Action = Callable[[Wanted], Any]
type Routes = Mapping[str, Action]


def written(answer: Answer, call: Call) -> Answer:
    """Write and compress an answer."""
    return encoding.encode(encoding.write_body(answer), call)


class AdminServer[Refusal: Exception]:
    """Routes admin calls; the actions take the JSON body merged over the query parameters.

    ``refusal``: the error by which the org refuses, and ``refused`` its answer; ``finish`` writes
    and compresses answers.
    """

    def __init__(
        self,
        routes: Routes,
        refusal: type[Refusal],
        refused: Callable[[Refusal], Answer],
        *,
        finish: Callable[[Answer, Call], Answer] = written,
    ) -> None:
        self.routes = dict(routes)
        self._refusal, self._refused = refusal, refused
        self._finish = finish

    def serve(self, call: Call) -> Parcel:
        """Answer an admin call."""
        answer = self._finish(self._answer(call), call)
        if answer.content_type is not None:
            answer.headers["Content-Type"] = answer.content_type
        return Parcel(answer)

    def _answer(self, call: Call) -> Answer:
        key = f"{call.method} {'/'.join(call.segments[1:])}"
        action = self.routes.get(key)
        if action is None:
            return json_answer(
                {"error": f"no such admin call: {key}", "calls": [*self.routes]}, 404
            )
        try:
            result = action({**call.query, **_members(call.body)})
        except self._refusal as error:
            return self._refused(error)
        except (KeyError, TypeError, ValueError) as error:
            text = f"{type(error).__name__}: {error}"
            return json_answer({"error": text, "trace": traceback.format_exc()}, 400)
        return result if isinstance(result, Answer) else json_answer(result)


def _members(body: bytes) -> Mapping[str, Any]:
    if not body:
        return {}
    members = json.loads(body)
    if not isinstance(members, dict):
        raise TypeError("the body of an admin call is a JSON object")
    return members

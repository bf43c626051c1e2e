"""A model behind a server: MLflow, Open Inference V2, KServe V1. Asked in batches of whole blocks."""

from __future__ import annotations

import orjson

from ...errors import UsageError
from ...probes.design import ANSWERED, Wave
from ...probes.protocol import Study
from ..planmachines import ServedTarget as ServedSpec
from ..planparts import Response
from .batch import ONE, Columns, Questions
from .dialects import codec_of
from .http import Compiled
from .protocol import Answers, Reply, Request
from .read import Reader
from .render import Identities
from .secrets import NONE, from_environment
from .wire import Wire, split_url


class ServedTarget:
    """Asks a model server in its own protocol.

    The rows of a batch stand in an order that only the holder of `key` knows. A batch is answered
    whole: a row that the model cannot take fails all of it, which ``batch: 1`` avoids.

    Parameters
    ----------
    spec : MlflowTarget, OpenInferenceTarget or KserveTarget of the plan
    study : Study
    identities : callable
        Makes the ids of fresh sessions.
    key : bytes
        The lock's key.
    offline : bool
        Read stored replies only: no secret is looked up, and `send` refuses.

    Raises
    ------
    UsageError
        If a secret that the plan names is not set, or the request is no table.
    """

    def __init__(
        self,
        spec: ServedSpec,
        study: Study,
        *,
        identities: Identities,
        key: bytes,
        offline: bool = False,
    ) -> None:
        self.batch = spec.batch
        self._offline = offline
        self._codec = codec_of(spec)
        self._questions = Questions(spec.request, identities=identities, key=key)
        response = spec.response or ONE
        self._columns = Columns(response, study.money)
        # whether a reply holds anything at all is the same for every protocol
        self._door = Reader(Response(statuses=response.statuses), None)
        asking = spec.asking()
        home, path = split_url(asking.url)
        self._route = f"POST {path}"
        self._asked = Compiled(asking, home)
        self._secrets = NONE if offline else from_environment(self._asked.secrets)
        self._wire = Wire(
            spec.limits,
            headers={"accept": "application/json", **self._asked.constant(self._secrets)},
            secrets=self._secrets.written,
        )

    def render(self, study: Study, wave: Wave, number: int, rows: slice) -> Request:
        """Return the request for a batch. Pure."""
        table = self._questions.table(study, wave, number, rows)
        return Request(
            wave=number,
            first=rows.start,
            count=rows.stop - rows.start,
            body=self._codec.encode(table, self._questions.name(number, rows.start)),
            route=self._route,
        )

    async def send(self, request: Request) -> Reply:
        """Send it, once, and return what came back, bounded and without secrets."""
        if self._offline:
            raise UsageError("target.offline")
        url, data = self._asked.address(request, self._secrets)
        return await self._wire.exchange("POST", url, data, None)

    def read(self, request: Request, reply: Reply) -> Answers:
        """Return what the reply says, in the order of the wave. Pure."""
        said = self._door.said(reply)
        if said.kind != ANSWERED:
            return self._columns.failed(
                request.count, said.reason, retry=said.retry, wait=said.wait
            )
        try:
            name = self._questions.name(request.wave, request.first)
            found = self._codec.decode(orjson.loads(reply.body), name)
        except (ValueError, TypeError, KeyError):
            return self._columns.failed(request.count, "format")
        order = self._questions.order(request.wave, request.first, request.count)
        return self._columns.answers(self._columns.given(found), order)

    async def close(self) -> None:
        """Let go of connections."""
        await self._wire.close()

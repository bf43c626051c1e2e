"""People with phones as a target: a request is what a row of a sheet says, a reply what came back.

Nothing is sent by a program. The answers stand in the journal because somebody took in a sheet, and
from there on they are read like those of any vendor.
"""

from __future__ import annotations

from ...errors import UsageError
from ...probes.design import Wave
from ...probes.protocol import Study
from ..planfield import FieldTarget as FieldSpec
from .protocol import Answers, Reply, Request
from .read import Reader
from .render import Identities, Template, visible

ROUTE = "field:sheet"


class FieldTarget:
    """Asks by sheets.

    Parameters
    ----------
    spec : FieldTarget of the plan
    study : Study
    identities : callable
        Makes the names of fresh accounts.
    key : bytes
        The lock's key.
    """

    batch = 1

    def __init__(
        self, spec: FieldSpec, study: Study, *, identities: Identities, key: bytes
    ) -> None:
        self._told = Template.json(spec.request)
        self._identities = identities
        self._key = key
        self._reader = Reader(spec.response, study.money)

    def render(self, study: Study, wave: Wave, number: int, rows: slice) -> Request:
        """Return what a row tells its tester, as JSON. Pure."""
        columns = visible(
            study,
            wave,
            number,
            rows,
            identities=self._identities,
            key=self._key,
            fields=self._told.fields,
        )
        (body,) = self._told.fill(columns, rows.stop - rows.start)
        return Request(wave=number, first=rows.start, count=1, body=body, route=ROUTE)

    async def send(self, request: Request) -> Reply:  # noqa: ARG002  the protocol's
        """Refuse: it is people who ask.

        Raises
        ------
        UsageError
            Always.
        """
        raise UsageError("field.not_live")

    def read(self, request: Request, reply: Reply) -> Answers:  # noqa: ARG002  the protocol's
        """Return what a row says. Pure."""
        return self._reader.answers(reply)

    async def close(self) -> None:
        """Let go of nothing."""

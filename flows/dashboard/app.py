"""The web application of the dashboard: pages, their data as JSON, and a stream of changes.

It answers GET alone, and only to pages of its own: a page of another site that a reader has open
must not read it through the browser.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from flows.dashboard.watched import WatchedProject
from tuner.core.jsonable import to_json
from tuner.results.figures.comparison import compare
from tuner.results.page import asset, own_version
from tuner.results.trial_table import Query

LARGEST_PAGE = 500
"""Rows of the table in one answer."""
BETWEEN_LOOKS = 1.5
"""Seconds."""
HEADERS = {
    "content-security-policy": "default-src 'self'; img-src 'self' data:; style-src 'self' "
    "'unsafe-inline'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
ASSETS = {
    "page.css": ("text/css", "tuner.results"),
    "page.js": ("text/javascript", "tuner.results"),
    "vega.js": ("text/javascript", "tuner.results"),
    "dashboard.js": ("text/javascript", "flows.dashboard"),
    "dashboard.html": ("text/html", "flows.dashboard"),
}


class Dashboard:
    """Answers the requests of the pages.

    Args:
        projects: What is shown, in this order.
    """

    def __init__(self, projects: Sequence[WatchedProject]) -> None:
        self.projects = list(projects)

    async def page(self, request: Request) -> Response:
        """The one page, which reads in its address what to show."""
        del request
        return HTMLResponse(str(asset("dashboard.html", "flows.dashboard")))

    async def file(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in ASSETS:
            raise HTTPException(404)
        kind, package = ASSETS[name]
        return Response(str(asset(name, package)), media_type=kind)

    async def overview(self, request: Request) -> Response:
        """All projects in a few facts each, and how they compare."""
        del request
        return await _answer(self._overview)

    def _overview(self) -> dict[str, Any]:
        for project in self.projects:
            project.look()
        return {
            "version": own_version(),
            "projects": [{"number": k, **p.summary()} for k, p in enumerate(self.projects)],
            "comparison": self._comparison(),
        }

    def _comparison(self) -> list[dict[str, Any]]:
        """Figures of the searches that share their objective, if there are several."""
        if len(self.projects) == 1:
            return []
        found = [project.findings() for project in self.projects]
        kinds = {(each.metric, each.direction) for each in found}
        if len(kinds) > 1:
            return []
        return [figure.to_json() for figure in compare(found)]

    async def summary(self, request: Request) -> Response:
        project = self._project(request)
        return await _answer(lambda: (project.look(), project.summary())[1])

    async def figures(self, request: Request) -> Response:
        project = self._project(request)
        return await _answer(lambda: {"version": project.look(), "figures": project.figures()})

    async def columns(self, request: Request) -> Response:
        project = self._project(request)
        return await _answer(lambda: project.table().to_json())

    async def trials(self, request: Request) -> Response:
        """A page of the table, as `Query` says what it has."""
        project, query = self._project(request), _query(request)
        return await _answer(lambda: project.page(query))

    async def trial(self, request: Request) -> Response:
        project, trial_id = self._project(request), request.path_params["trial"]
        try:
            return await _answer(lambda: project.trial(trial_id))
        except KeyError:
            raise HTTPException(404, f"There is no trial {trial_id}.") from None

    async def events(self, request: Request) -> Response:
        """Server-sent events: the version of each project, whenever one has changed."""
        stream = self._changes(request)
        return StreamingResponse(stream, media_type="text/event-stream")

    async def _changes(self, request: Request) -> AsyncIterator[str]:
        told: list[int] | None = None
        while not await request.is_disconnected():
            now = [await run_in_threadpool(_look, project) for project in self.projects]
            # A comment keeps the connection, and notices a reader who has left.
            yield ": still here\n\n" if now == told else f"data: {json.dumps(now)}\n\n"
            told = now
            await asyncio.sleep(BETWEEN_LOOKS)

    def _project(self, request: Request) -> WatchedProject:
        number = int(request.path_params["number"])
        if number >= len(self.projects):
            raise HTTPException(404, f"There is no project {number}.")
        return self.projects[number]


class FixedHeaders:
    """Adds the headers of every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                added = [(k.encode(), v.encode()) for k, v in HEADERS.items()]
                message["headers"] = [*message["headers"], *added]
            await send(message)

        await self._app(scope, receive, with_headers)


def create_app(projects: Sequence[WatchedProject]) -> Starlette:
    """The application that shows these projects."""
    shown = Dashboard(projects)
    routes = [
        Route("/", shown.page),
        Route("/p/{number:int}", shown.page),
        Route("/p/{number:int}/trials/{trial}", shown.page),
        Route("/files/{name}", shown.file),
        Route("/api/projects", shown.overview),
        Route("/api/projects/{number:int}", shown.summary),
        Route("/api/projects/{number:int}/figures", shown.figures),
        Route("/api/projects/{number:int}/columns", shown.columns),
        Route("/api/projects/{number:int}/trials", shown.trials),
        Route("/api/projects/{number:int}/trials/{trial}", shown.trial),
        Route("/api/events", shown.events),
    ]
    # The name is checked, since a site of another name may point to this machine.
    hosts = Middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"])
    zipped = Middleware(GZipMiddleware, minimum_size=2000)
    return Starlette(routes=routes, middleware=[Middleware(FixedHeaders), hosts, zipped])


def _look(project: WatchedProject) -> int:
    """The version of a project; where the store is away for a moment, that of the last look."""
    try:
        return project.look()
    except OSError:
        return project.version


async def _answer(make: Any) -> Response:
    return JSONResponse(to_json(await run_in_threadpool(make)))


def _query(request: Request) -> Query:
    given = request.query_params
    return Query(
        sort=given.get("sort", "trial"),
        descending=given.get("descending") == "true",
        status=given.get("status", ""),
        search=given.get("search", ""),
        page=_number(given.get("page"), 0, 10**9),
        size=max(1, _number(given.get("size"), 50, LARGEST_PAGE)),
    )


def _number(text: str | None, otherwise: int, most: int) -> int:
    return min(int(text), most) if text is not None and text.isdecimal() else otherwise

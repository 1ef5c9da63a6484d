"""How every page for people is rendered: its template, its words, and what the settings allow on it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from fastapi import Request, Response
from fastapi.templating import Jinja2Templates
from jinja2 import Environment, FileSystemLoader
from starlette.exceptions import HTTPException

from app.answers import Answer, Failure
from app.errors import SignsError
from app.http_errors import problem_of, retry_headers, status_problem
from app.settings import Settings
from app.wording import FOLDER, script_wording, wording

NO_MODULES: Final = frozenset({"docs.js", "early.js", "feedback.js", "main.js"})

templates = Jinja2Templates(
    env=Environment(loader=FileSystemLoader(FOLDER), autoescape=True, trim_blocks=True, lstrip_blocks=True)
)


def render(
    request: Request,
    template: str,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    **context: Any,
) -> Response:
    """The page `template`, which finds `text` (all words) and what the settings allow beside `context`."""
    settings: Settings = request.app.state.settings
    context |= {
        "root": request.scope.get("root_path", ""),  # the prefix that a reverse proxy strips
        "text": wording(),
        "script_text": script_wording(*(("feedback",) if settings.feedback_dir else ())),
        "labels": tuple(wording()["signs"]),
        "blank": Answer(),
        "modules": _modules(),
        "asks_for_key": bool(settings.api_keys),
        "takes_feedback": settings.feedback_dir is not None,
        "max_bytes": settings.max_bytes,
        "megabytes": settings.max_bytes // 2**20,
    }
    return templates.TemplateResponse(request, template, context, status, headers)


def render_error(request: Request, error: SignsError | HTTPException) -> Response:
    """The page with the form and with help in place of an answer."""
    if isinstance(error, SignsError):
        problem, headers = problem_of(error), retry_headers(error)
    else:
        problem, headers = status_problem(error.status_code, error.detail), dict(error.headers or {})
    failure = Failure.of(problem, request.app.state.settings.max_bytes)
    return render(request, "page.html", problem.status, headers, outcomes=[failure])


@cache
def _modules() -> tuple[str, ...]:
    """What `main.js` always imports, so that browsers fetch it all at once, not one by one."""
    names = (path.name for path in (FOLDER / "static").glob("*.js"))
    return tuple(sorted(name for name in names if name not in NO_MODULES))

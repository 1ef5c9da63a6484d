"""The page for people: a form that works without JavaScript, and the interactive API docs."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse
from fastapi.templating import Jinja2Templates
from starlette.exceptions import HTTPException

from app.api_keys import check_key
from app.dependencies import Classify, ClassifyDep
from app.errors import SignsError
from app.http_errors import problem_of, retry_headers, status_problem
from app.preview import preview
from app.schemas import Prediction, Problem
from app.settings import Settings
from app.uploads import read_form

FOLDER: Final = Path(__file__).parent.parent / "page"

ADVICE: Final = {
    400: "Please choose a picture first.",
    401: "Please enter a valid API key.",
    413: "That file is too large.",
    415: "That file is no picture. Try a JPEG, PNG, WebP, AVIF, HEIC, GIF, BMP or TIFF.",
    422: "That picture is damaged or has too many pixels. Try another one.",
    503: "The service is not ready or very busy. Please try again in a moment.",
    504: "That took too long. Please try again.",
}

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
templates = Jinja2Templates(FOLDER)


@router.get("/")
async def show_form(request: Request) -> Response:
    """The empty form."""
    return _render(request)


@router.post("/")
async def show_answer(request: Request, classify: ClassifyDep) -> Response:
    """The form with the answer to its picture, or with what is wrong in words."""
    try:
        return _render(request, **await _answer(request, classify))
    except SignsError as error:
        return _render_problem(request, problem_of(error), retry_headers(error))
    except HTTPException as error:
        return _render_problem(request, status_problem(error.status_code, error.detail), error.headers)


@router.get("/docs")
async def show_docs(request: Request) -> Response:
    """Swagger UI over `/openapi.json`, with assets of our own."""
    return templates.TemplateResponse(request, "docs.html", {"root": _root(request)})


async def _answer(request: Request, classify: Classify) -> dict[str, Any]:
    settings: Settings = request.app.state.settings
    form = await read_form(request, max_files=1)
    check_key(form.fields.get("api_key"), settings.api_keys)
    upload = form.named("file")[0]
    prediction = Prediction.of(await classify(upload))
    one_at_a_time: CapacityLimiter = request.app.state.previews
    picture = await to_thread.run_sync(preview, upload.data, settings.max_pixels, limiter=one_at_a_time)
    return {"prediction": prediction, "picture": picture, "filename": upload.filename}


def _render_problem(request: Request, problem: Problem, headers: Any) -> Response:
    advice = ADVICE.get(problem.status, problem.title)
    return _render(request, problem.status, headers, problem=problem, advice=advice)


def _render(request: Request, status: int = 200, headers: Any = None, **context: Any) -> Response:
    settings: Settings = request.app.state.settings
    context |= {
        "root": _root(request),
        "asks_for_key": bool(settings.api_keys),
        "megabytes": settings.max_bytes // 2**20,
    }
    return templates.TemplateResponse(request, "page.html", context, status, headers)


def _root(request: Request) -> str:
    """The prefix of every link: what a reverse proxy strips, or nothing."""
    root: str = request.scope.get("root_path", "")
    return root

"""The page for people: a form that works without JavaScript, and the interactive API docs."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Final

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse
from starlette.exceptions import HTTPException

from app.answers import Answer, Failure
from app.api_keys import check_key
from app.dependencies import Classify, ClassifyDep
from app.errors import ImageError, InferenceError, SignsError
from app.pages import render, render_error
from app.preview import SIDE, preview
from app.together import together
from app.uploads import Form, Upload, read_form
from app.wording import FOLDER, wording, words

EXAMPLES: Final = FOLDER / "static" / "examples"
SMALL_SIDE: Final = 320  # pixels of a picture that shares its page with others

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@router.get("/")
async def show_form(request: Request) -> Response:
    """The empty form."""
    return render(request, "page.html")


@router.post("/")
async def show_answers(request: Request, classify: ClassifyDep) -> Response:
    """The form with an answer to each of its pictures, or with what is wrong in words."""
    try:
        outcomes = await _outcomes(request, classify)
    except (SignsError, HTTPException) as error:
        return render_error(request, error)
    failures = [outcome for outcome in outcomes if isinstance(outcome, Failure)]
    status = failures[0].status if len(failures) == len(outcomes) else 200
    return render(request, "page.html", status, outcomes=outcomes)


@router.get("/docs")
async def show_docs(request: Request) -> Response:
    """Swagger UI over `/openapi.json`, with assets of our own."""
    return render(request, "docs.html")


async def _outcomes(request: Request, classify: Classify) -> list[Answer | Failure]:
    form = await read_form(request)
    check_key(form.fields.get("api_key"), request.app.state.settings.api_keys)
    uploads = await _chosen(form)
    side = SIDE if len(uploads) == 1 else SMALL_SIDE
    return await together(_outcome(request, upload, classify, side) for upload in uploads)


async def _outcome(request: Request, upload: Upload, classify: Classify, side: int) -> Answer | Failure:
    """What concerns the whole service (full queue, deadline) is raised, as for a batch."""
    settings = request.app.state.settings
    one_at_a_time: CapacityLimiter = request.app.state.previews
    begun = time.monotonic()
    try:
        prediction = await classify(upload)
        seconds = time.monotonic() - begun
        picture = await to_thread.run_sync(
            preview, upload.data, settings.max_pixels, side, limiter=one_at_a_time
        )
    except (ImageError, InferenceError) as error:
        return Failure.of_error(error, settings.max_bytes, upload.filename)
    return Answer.of(prediction, upload.filename, picture, seconds)


async def _chosen(form: Form) -> list[Upload]:
    """The pictures of the form, or the example whose button was pressed."""
    label = form.fields.get("example", "")
    if label in wording()["signs"]:
        data = await to_thread.run_sync(Path.read_bytes, EXAMPLES / f"{label}.webp")
        return [Upload(words("page", "example_name", label=label), "", data)]
    # Whoever chooses a file does not choose its content type: the bytes decide.
    return [replace(upload, content_type="") for upload in form.named("file")]

"""Corrections from the page: there only where `SIGNS_FEEDBACK_DIR` names a folder."""

from __future__ import annotations

import base64
import binascii
import logging

from anyio import to_thread
from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse
from starlette.exceptions import HTTPException

from app.api_keys import check_key
from app.corrections import NONE, Corrections
from app.errors import ConsentMissing, CorruptImage, SignsError
from app.pages import render, render_error
from app.uploads import read_form
from app.wording import wording

log = logging.getLogger(__name__)

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@router.post("/feedback")
async def store_feedback(request: Request) -> Response:
    """Stores the picture of the form's field `picture`, a `data:` URI, under its `label`."""
    try:
        await _store(request)
    except (SignsError, HTTPException) as error:
        return render_error(request, error)
    return render(request, "thanks.html", 201)


async def _store(request: Request) -> None:
    _refuse_other_sites(request)
    fields = (await read_form(request)).fields
    check_key(fields.get("api_key"), request.app.state.settings.api_keys)
    if fields.get("consent") != "yes":
        raise ConsentMissing("a picture is stored only with your consent: tick the box first")
    label, data = _label(fields.get("label", "")), _bytes(fields.get("picture", ""))
    corrections: Corrections = request.app.state.corrections
    try:
        path = await to_thread.run_sync(corrections.store, data, label)
    except OSError:
        log.exception("a correction could not be written")
        raise HTTPException(
            503, "the folder for corrections cannot be written now", {"Retry-After": "60"}
        ) from None
    log.info("stored a correction as %s", path)


def _refuse_other_sites(request: Request) -> None:
    """A form on somebody else's page must not fill the folder; browsers say where a request comes from."""
    origin = request.headers.get("sec-fetch-site", "same-origin")
    if origin not in ("same-origin", "none"):
        raise HTTPException(403, f"expected a form of this site, received one from a {origin} page")


def _label(given: str) -> str:
    choices = (*wording()["signs"], NONE)
    if given not in choices:
        raise HTTPException(
            400, f"expected the right digit among {', '.join(choices)}, received {given[:20]!r}"
        )
    return given


def _bytes(uri: str) -> bytes:
    try:
        return base64.b64decode(uri.partition(",")[2], validate=True)
    except (binascii.Error, ValueError):
        raise CorruptImage("expected the picture as a data: URI in base64") from None

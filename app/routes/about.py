"""The page about the model, its limits, and what happens to pictures."""

from __future__ import annotations

from anyio import to_thread
from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from app.dependencies import ClassifierDep
from app.errors import NotReady
from app.model_card import read_card
from app.pages import render
from app.wording import percent

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@router.get("/about")
async def show_about(request: Request, classifier: ClassifierDep) -> Response:
    """The serving version's scores from its manifest, its limits from the model card."""
    try:
        manifest = classifier.manifest
    except NotReady:
        return render(request, "about.html", manifest=None, card="")
    folder = request.app.state.settings.model_dir
    card = await to_thread.run_sync(read_card, folder.parent / "README.md", manifest.version)
    return render(request, "about.html", manifest=manifest, card=card, percent=percent)

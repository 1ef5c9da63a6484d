"""The page's own files: small on the line, and never older than the page that asks for them."""

from __future__ import annotations

import os
from pathlib import Path

from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Scope


class _Revalidated(StaticFiles):
    """Lets browsers keep files but ask each time (304), so that modules of two versions never meet."""

    def file_response(
        self,
        full_path: str | os.PathLike[str],
        stat_result: os.stat_result,
        scope: Scope,
        status_code: int = 200,
    ) -> Response:
        response = super().file_response(full_path, stat_result, scope, status_code)
        response.headers["Cache-Control"] = "no-cache"
        return response


def assets(folder: Path) -> ASGIApp:
    """Serves the files in `folder` compressed: small ones only, since that is done on the event loop."""
    return GZipMiddleware(_Revalidated(directory=folder))

"""The soak tests make model versions as those of the service do."""

from __future__ import annotations

from tests.app.conftest import make_version, saved_model, weights

__all__ = ["make_version", "saved_model", "weights"]

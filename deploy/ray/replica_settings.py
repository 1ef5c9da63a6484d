"""The settings as replicas on a cluster can keep to them."""

from __future__ import annotations

from app.settings import Settings, SettingsError

PROXYS = ("grpc_port", "root_path", "tls_cert", "trusted_proxies")
"""Settings of who listens, which on a cluster are Serve's proxies."""
PATHS = ("model_dir", "cache_dir", "feedback_dir")
UNSET = {None, "", ()}


def settings_for_replicas(settings: Settings) -> Settings:
    """The same settings, with paths that mean the same in whichever folder a replica starts.

    Raises `SettingsError` for those that would have no effect, as with TLS, which nobody must believe in
    that has none.
    """
    wrong = [Settings.variable(name) for name in PROXYS if getattr(settings, name) not in UNSET]
    if wrong:
        raise SettingsError(
            f"expected no {', '.join(wrong)} on Ray, where Serve's proxies listen for the replicas; "
            "http_options in Serve's configuration, as in deploy/ray/serve.yaml, says how they do"
        )
    paths = {name: getattr(settings, name) for name in PATHS}
    return settings.model_copy(update={name: path.absolute() for name, path in paths.items() if path})

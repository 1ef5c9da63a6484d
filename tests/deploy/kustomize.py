"""What `kubectl kustomize` makes of a folder, as far as deploy/kubernetes/ needs it; the rest is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from tests.conftest import ROOT

KUBERNETES = ROOT / "deploy" / "kubernetes"
OVERLAYS = KUBERNETES / "overlays"
FIELDS = {"apiVersion", "kind", "namespace", "resources", "patches"}

Resource = dict[str, Any]


def build(folder: Path) -> list[Resource]:
    """The folder's resources, patched; raises `ValueError` for what kustomize knows and this does not."""
    told = yaml.safe_load((folder / "kustomization.yaml").read_text(encoding="utf-8"))
    if unknown := told.keys() - FIELDS:
        raise ValueError(f"{folder}: expected only {sorted(FIELDS)}, received {sorted(unknown)}")
    built = [resource for name in told["resources"] for resource in _read(folder / name)]
    for patch in told.get("patches", []):
        built = _patched(built, yaml.safe_load((folder / patch["path"]).read_text(encoding="utf-8")))
    return [_placed(resource, told.get("namespace")) for resource in built]


def the(resources: list[Resource], kind: str) -> Resource:
    """The one resource of a kind; raises `ValueError` where there is none, or another one."""
    (found,) = (resource for resource in resources if resource["kind"] == kind)
    return found


def _read(path: Path) -> list[Resource]:
    if path.is_dir():
        return build(path)
    return list(yaml.safe_load_all(path.read_text(encoding="utf-8")))


def _patched(resources: list[Resource], patch: Resource) -> list[Resource]:
    met = [_identity(resource) == _identity(patch) for resource in resources]
    if sum(met) != 1:
        raise ValueError(f"expected one resource to patch, found {sum(met)}: {_identity(patch)}")
    return [_merged(old, patch) if hit else old for old, hit in zip(resources, met, strict=True)]


def _identity(resource: Resource) -> tuple[str, str, str | None, str]:
    metadata = resource["metadata"]
    return resource["apiVersion"], resource["kind"], metadata.get("namespace"), metadata["name"]


def _merged(old: Any, new: Any) -> Any:
    """Kubernetes' strategic merge: fields one by one, containers by their name."""
    if not isinstance(new, dict):
        if isinstance(new, list) or new is None:
            raise ValueError(f"expected a patch without lists, other than containers, received {new}")
        return new
    merged = dict(old or {})
    for key, value in new.items():
        merged[key] = (_merged_containers if key == "containers" else _merged)(merged.get(key), value)
    return merged


def _merged_containers(old: Any, new: Any) -> Any:
    patches = {container["name"]: container for container in new}
    if missing := patches.keys() - {container["name"] for container in old}:
        raise ValueError(f"no such container to patch: {sorted(missing)}")
    return [_merged(container, patches.get(container["name"], {})) for container in old]


def _placed(resource: Resource, namespace: str | None) -> Resource:
    if namespace is None:
        return resource
    field = "name" if resource["kind"] == "Namespace" else "namespace"
    return {**resource, "metadata": {**resource["metadata"], field: namespace}}

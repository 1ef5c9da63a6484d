"""The stand-in for kustomize gives what kustomize gives, and refuses what it cannot do."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.settings import Settings
from tests.conftest import ROOT
from tests.deploy.kustomize import KUBERNETES, OVERLAYS, Resource, build, the

KUBECTL = shutil.which("kubectl")
FOLDERS = [KUBERNETES / "base", *sorted(OVERLAYS.iterdir())]
DEPLOYMENT = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "signs"},
    "spec": {"containers": [{"name": "signs", "image": "old", "tty": True}, {"name": "other"}]},
}
TEXT = (ROOT / "docs" / "kubernetes.md").read_text(encoding="utf-8")
needs_kubectl = pytest.mark.skipif(KUBECTL is None, reason="kubectl is not here")


def by_kubectl(folder: Path) -> list[Resource]:
    """What kustomize itself makes of a folder."""
    done = subprocess.run([str(KUBECTL), "kustomize", folder], capture_output=True, text=True, check=True)
    return list(yaml.safe_load_all(done.stdout))


def in_order(resources: list[Resource]) -> list[Resource]:
    return sorted(resources, key=lambda resource: str(resource["kind"]))


def written(folder: Path, patch: Any, **fields: Any) -> Path:
    """A folder with the deployment and a patch of it."""
    told = {"resources": ["deployment.yaml"], "patches": [{"path": "patch.yaml"}], **fields}
    for name, value in {"kustomization": told, "deployment": DEPLOYMENT, "patch": patch}.items():
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(value), encoding="utf-8")
    return folder


@needs_kubectl
@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_folder_is_built_as_by_kustomize(folder: Path) -> None:
    assert in_order(build(folder)) == in_order(by_kubectl(folder))


def test_a_patch_changes_what_it_names_and_nothing_else(tmp_path: Path) -> None:
    patch = DEPLOYMENT | {"spec": {"paused": True, "containers": [{"name": "signs", "image": "new"}]}}
    (built,) = build(written(tmp_path, patch, namespace="here"))
    assert built["metadata"] == {"name": "signs", "namespace": "here"}
    assert built["spec"] == {
        "paused": True,
        "containers": [{"name": "signs", "image": "new", "tty": True}, {"name": "other"}],
    }


@pytest.mark.parametrize(
    ("patch", "fields", "told"),
    [
        (DEPLOYMENT, {"nameSuffix": "-2"}, "nameSuffix"),
        (DEPLOYMENT | {"metadata": {"name": "sign"}}, {}, "expected one resource to patch, found 0"),
        (DEPLOYMENT | {"spec": {"args": ["serve"]}}, {}, "without lists"),
        (DEPLOYMENT | {"spec": {"containers": [{"name": "third"}]}}, {}, "no such container to patch"),
    ],
)
def test_what_it_cannot_do_is_refused(tmp_path: Path, patch: Any, fields: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        build(written(tmp_path, patch, **fields))


def test_every_folder_that_the_document_applies_is_there() -> None:
    applied = re.findall(r"^kubectl apply .*-k (\S+)$", TEXT, re.MULTILINE)
    listed = re.findall(r"^\| `(\S+)` \|", TEXT, re.MULTILINE)
    assert {ROOT / folder for folder in listed} == set(OVERLAYS.iterdir())
    assert {ROOT / folder for folder in applied} <= set(OVERLAYS.iterdir())


@needs_kubectl
def test_an_overlay_of_ones_own_does_what_the_document_says(tmp_path: Path) -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
    own = example.replace("../signs", os.path.relpath(ROOT, tmp_path))
    (tmp_path / "kustomization.yaml").write_text(own, encoding="utf-8")
    built = by_kubectl(tmp_path)
    (container,) = the(built, "Deployment")["spec"]["template"]["spec"]["containers"]
    assert container["image"] == "registry.example/signs:0.1.0"
    settings = the(built, "ConfigMap")
    assert container["envFrom"] == [{"configMapRef": {"name": settings["metadata"]["name"]}}]
    assert settings["data"].keys() <= {Settings.variable(name) for name in Settings.model_fields}

"""The images come from one base that a digest can pin, and only what is meant to be is in reach."""

from __future__ import annotations

import re

import yaml

from tests.conftest import ROOT

DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
IGNORE = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()


def test_every_stage_comes_from_the_base_or_from_another_stage() -> None:
    stages = re.findall(r"^FROM (\S+) AS (\S+)$", DOCKERFILE, re.MULTILINE)
    known = {"${BASE}"}
    for source, name in stages:
        assert source in known
        known.add(name)
    assert len(stages) == len(re.findall(r"^FROM ", DOCKERFILE, re.MULTILINE))


def test_the_base_can_be_pinned_for_every_image_and_is_told_by_it() -> None:
    assert re.search(r"^ARG BASE=\S+$", DOCKERFILE, re.MULTILINE)
    assert 'image.base.name="${BASE}"' in DOCKERFILE
    for service in COMPOSE["services"].values():
        assert service["build"]["args"]["BASE"].startswith("${BASE:-")


def test_what_is_copied_exists_and_is_not_ignored() -> None:
    copied = re.findall(r"^COPY (?!--)(\S+) ", DOCKERFILE, re.MULTILINE)
    assert copied
    for path in copied:
        assert (ROOT / path).exists()
        assert f"!{path.split('/')[0]}" in IGNORE


def test_packages_are_installed_by_hash_only() -> None:
    installs = re.findall(r"\binstall (.+requirements.+)", DOCKERFILE)
    assert installs
    assert all("--require-hashes" in line for line in installs)

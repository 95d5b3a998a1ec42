"""What `deploy/` says, held to schemas, to linters, and to what we promise of every container."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from chalicelib.settings import Settings

ROOT = Path(__file__).parent.parent.parent
DEPLOY = ROOT / "deploy"
BIN = Path(sys.executable).parent
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
OURS = ("migrate", "serve", "work", "tick")
KINDS = [
    document
    for path in sorted((DEPLOY / "kubernetes").glob("*.yaml"))
    for document in yaml.safe_load_all(path.read_text())
]
MANIFESTS = [document for document in KINDS if document["kind"] != "Kustomization"]
PODS = {
    document["metadata"]["name"]: document["spec"]["template"]["spec"]
    for document in MANIFESTS
    if document["kind"] in {"Deployment", "Job"}
}
SECRETS = {
    name.upper()
    for name, field in Settings.model_fields.items()
    if "SecretStr" in str(field.annotation)
}
CONFIG = next(document for document in MANIFESTS if document["kind"] == "ConfigMap")["data"]


def lint(*words: str) -> None:
    seen = subprocess.run([*words], cwd=ROOT, capture_output=True, text=True, check=False)
    assert seen.returncode == 0, seen.stdout + seen.stderr


def test_the_dockerfile_pleases_its_linter() -> None:
    lint(str(BIN / "hadolint"), "deploy/Dockerfile")


def test_the_compose_file_keeps_its_schema() -> None:
    words = ("--builtin-schema", "vendor.compose-spec", "deploy/compose.yaml")
    lint(str(BIN / "check-jsonschema"), *words)


@pytest.mark.parametrize(
    "document", MANIFESTS, ids=lambda one: f"{one['kind']}-{one['metadata']['name']}"
)
def test_a_manifest_keeps_its_schema_and_its_namespace(document: Any) -> None:
    kubernetes_validate.validate(document, "1.37", strict=True)
    if document["kind"] != "Namespace":
        assert document["metadata"]["namespace"] == "shoukuan"


def test_kustomize_lists_every_file() -> None:
    (listed,) = [one["resources"] for one in KINDS if one["kind"] == "Kustomization"]
    there = {path.name for path in (DEPLOY / "kubernetes").glob("*.yaml")} - {"kustomization.yaml"}
    assert set(listed) == there


@pytest.mark.parametrize("name", OURS)
def test_a_pod_may_do_nothing_that_it_need_not(name: str) -> None:
    pod = PODS[name]
    assert pod["automountServiceAccountToken"] is False
    told = pod["securityContext"]
    assert (told["runAsNonRoot"], told["runAsUser"]) == (True, 10001)
    assert told["seccompProfile"] == {"type": "RuntimeDefault"}
    (container,) = pod["containers"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    for bound in ("requests", "limits"):
        assert {"cpu", "memory"} <= set(container["resources"][bound])
    assert "env" not in container, "what is told is told in one place"


@pytest.mark.parametrize("name", [name for name in OURS if name != "migrate"])
def test_a_process_that_stays_is_watched_spread_and_ends_in_time(name: str) -> None:
    pod, (container,) = PODS[name], PODS[name]["containers"]
    assert container["livenessProbe"]["httpGet"]["path"] == "/healthz"
    assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert pod["topologySpreadConstraints"]
    needed = int(CONFIG["NOTICE_SECONDS"]) + int(CONFIG["DRAIN_SECONDS"])
    assert pod["terminationGracePeriodSeconds"] > needed
    budgets = [one["metadata"]["name"] for one in MANIFESTS if one["kind"] == "PodDisruptionBudget"]
    assert name in budgets
    assert not str(container["args"][0]).startswith("-")


@pytest.mark.parametrize("name", OURS)
def test_a_service_of_compose_may_do_nothing_that_it_need_not(name: str) -> None:
    service = COMPOSE["services"][name]
    assert (service["user"], service["read_only"]) == ("10001:10001", True)
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["mem_limit"]
    assert service["pids_limit"]
    drain = int(service["environment"]["DRAIN_SECONDS"])
    assert int(service["stop_grace_period"].removesuffix("s")) > drain


def test_every_port_is_bound_to_loopback_and_every_service_is_watched() -> None:
    for name, service in COMPOSE["services"].items():
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:"), name
        assert service["cap_drop"] == ["ALL"], name
        assert name in OURS or "healthcheck" in service  # ours have the image's


def test_no_image_is_whatever_is_newest() -> None:
    images = [service["image"] for service in COMPOSE["services"].values()]
    images += re.findall(r"^ARG BASE=(.+)$", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)
    images += [
        f"{one['newName']}:{one['newTag']}"
        for kind in KINDS
        if kind["kind"] == "Kustomization"
        for one in kind["images"]
    ]
    for image in images:
        tag = image.rpartition(":")[2]
        assert "/" not in tag, f"{image} has no tag"
        assert "latest" not in tag


@pytest.mark.parametrize("told", [COMPOSE["services"]["serve"]["environment"], CONFIG])
def test_a_secret_is_never_written_here(told: dict[str, str]) -> None:
    for name in SECRETS & set(told):
        assert told[name].startswith("file:/run/secrets/"), name
    example = (DEPLOY / "example.env").read_text()
    assert not SECRETS & set(re.findall(r"^([A-Z_0-9]+)=", example, re.MULTILINE))
    assert not [one for one in MANIFESTS if one["kind"] == "Secret"]


@pytest.mark.parametrize("told", [COMPOSE["services"]["serve"]["environment"], CONFIG])
def test_every_secret_that_must_be_set_is(told: dict[str, str]) -> None:
    needed = {
        name.upper()
        for name, field in Settings.model_fields.items()
        if field.is_required() and name.upper() in SECRETS
    }
    assert needed | {"STORAGE_URL"} <= set(told)
    for name in needed:
        assert told[name].removeprefix("file:/run/secrets/") in COMPOSE["secrets"]


def test_the_image_runs_as_nobody_and_holds_no_builder() -> None:
    text = (DEPLOY / "Dockerfile").read_text()
    last = text.rpartition("\nFROM ")[2]
    assert "\nUSER 10001:10001\n" in last
    assert "pip" not in last
    assert "--require-hashes" in text
    assert "--invalidation-mode unchecked-hash" in text
    assert not re.search(r"apt-get|gcc|build-essential", text)
    assert (ROOT / ".dockerignore").read_text().splitlines()[1] == "*"

"""How a container engine runs an image as a Deployment would.

`python -m tests.deploy.container_options OVERLAY` prints the options, one a line. RuntimeDefault needs none:
an engine's default seccomp profile applies unless another one is asked for.
"""

from __future__ import annotations

import re
import sys

from tests.deploy.kustomize import OVERLAYS, Resource, build, the


def container_options(pod: Resource) -> list[str]:
    """The options for the pod's one container, as Docker and podman take them."""
    (container,) = pod["containers"]
    context, limits = container["securityContext"], container["resources"]["limits"]
    options = [
        f"--user={context['runAsUser']}:{context['runAsGroup']}",
        f"--cpus={limits['cpu']}",
        f"--memory={size(limits['memory'])}",
        *(f"--cap-drop={capability}" for capability in context["capabilities"]["drop"]),
    ]
    if context["readOnlyRootFilesystem"]:
        options.append("--read-only")
    if not context["allowPrivilegeEscalation"]:
        options.append("--security-opt=no-new-privileges")
    places = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    options += [
        f"--tmpfs={places[volume['name']]}:size={size(volume['emptyDir']['sizeLimit'])}"
        for volume in pod["volumes"]
    ]
    return options + [f"--env={variable['name']}={variable['value']}" for variable in container["env"]]


def size(quantity: str) -> str:
    """Kubernetes' `512Mi` as engines write it, `512m`; raises `ValueError` for any other form."""
    if not re.fullmatch(r"\d+[KMG]i", quantity):
        raise ValueError(f"expected a whole number of Ki, Mi or Gi, received {quantity!r}")
    return quantity.removesuffix("i").lower()


if __name__ == "__main__":
    deployment = the(build(OVERLAYS / sys.argv[1]), "Deployment")
    print("\n".join(container_options(deployment["spec"]["template"]["spec"])))

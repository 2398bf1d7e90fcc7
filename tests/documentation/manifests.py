"""Checks a folder of Kubernetes manifests: each against its schema, strictly, and what one names in another."""

import pathlib
import sys
import tomllib

import kubernetes_validate
import yaml

folder = pathlib.Path(sys.argv[1])
kustomization = yaml.safe_load((folder / "kustomization.yaml").read_text())
resources = [yaml.safe_load((folder / name).read_text()) for name in kustomization["resources"]]
wrong = []


def expect(what, true):
    if not true:
        wrong.append(what)


def the(kind):
    return next(resource for resource in resources if resource["kind"] == kind)


for resource in resources:
    for version in ("1.30", kubernetes_validate.latest_version()):
        try:
            kubernetes_validate.validate(resource, version, strict=True)
        except Exception as error:
            expect(f"{resource['kind']} fits Kubernetes {version}: {error}", False)
listed = set(kustomization["resources"]) | {"kustomization.yaml"}
expect("every manifest is a resource", listed == {path.name for path in folder.glob("*.yaml")})

deployment, job = the("Deployment"), the("Job")
pods = [resource["spec"]["template"] for resource in (deployment, job)]
labels = deployment["spec"]["template"]["metadata"]["labels"]
expect("the Deployment selects its pods", deployment["spec"]["selector"]["matchLabels"].items() <= labels.items())
expect("the Service selects them", the("Service")["spec"]["selector"].items() <= labels.items())
expect("so does the budget", the("PodDisruptionBudget")["spec"]["selector"]["matchLabels"].items() <= labels.items())
expect("one may always go", the("PodDisruptionBudget")["spec"]["minAvailable"] < deployment["spec"]["replicas"])
selected = the("NetworkPolicy")["spec"]["podSelector"]["matchExpressions"][0]
for pod in pods:
    expect("the NetworkPolicy selects every pod", pod["metadata"]["labels"][selected["key"]] in selected["values"])

main = deployment["spec"]["template"]["spec"]["containers"][0]
ports = {port["name"]: port["containerPort"] for port in main["ports"]}
for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
    expect(f"{probe} asks the admin listener", main[probe]["httpGet"]["port"] == "admin")
for port in the("Service")["spec"]["ports"]:
    expect("the Service's ports are there", port["targetPort"] in ports and port["targetPort"] != "admin")
for rule in the("NetworkPolicy")["spec"]["ingress"]:
    expect("so are the NetworkPolicy's", all(port["port"] in ports for port in rule["ports"]))
expect("a wrong PIN is tried once", job["spec"]["backoffLimit"] == 0
       and job["spec"]["template"]["spec"]["restartPolicy"] == "Never")

images = {image["name"] for image in kustomization["images"]}
generated = {generator["name"] for generator in kustomization["configMapGenerator"]}
for spec in (pod["spec"] for pod in pods):
    expect("no pod has a token of the cluster", spec["automountServiceAccountToken"] is False)
    expect("no pod runs as root", spec["securityContext"]["runAsNonRoot"] and spec["securityContext"]["runAsUser"] > 0)
    expect("the account is there", spec["serviceAccountName"] == the("ServiceAccount")["metadata"]["name"])
    volumes = {volume["name"]: volume for volume in spec["volumes"]}
    for volume in volumes.values():
        if "secret" in volume:  # what the gateway refuses: a PIN that others can read
            expect("secrets are not for others", volume["secret"]["defaultMode"] & 0o007 == 0)
        if "configMap" in volume:
            expect("the ConfigMap is generated", volume["configMap"]["name"] in generated)
    paths = {}
    for container in spec["initContainers"] + spec["containers"]:
        context = container["securityContext"]
        expect(f"{container['name']} is confined", context["readOnlyRootFilesystem"]
               and not context["allowPrivilegeEscalation"] and context["capabilities"] == {"drop": ["ALL"]})
        expect(f"{container['name']} has bounds", "memory" in container["resources"]["limits"])
        expect(f"{container['name']}'s image is named", container["image"] in images)
        for mount in container["volumeMounts"]:
            expect(f"{mount['name']} is a volume", mount["name"] in volumes)
            paths[mount["mountPath"]] = mount["name"]
    # Each file of the configuration lies in a volume that the pod mounts.
    configuration = tomllib.loads((folder / "strongroom.toml").read_text())
    for section in configuration.values():
        for key, value in section.items():
            if key == "module" or key.endswith("_file"):
                expect(f"{value} is mounted", str(pathlib.PurePath(value).parent) in paths)
    expect("it listens where it is asked", configuration["server"]["listen"].endswith(f":{ports['api']}")
           and configuration["server"]["admin_listen"].endswith(f":{ports['admin']}"))

sys.exit("\n".join(f"not so: {each}" for each in wrong) if wrong else 0)

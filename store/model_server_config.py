"""The `ModelServerConfig` text file that lets a stock TensorFlow Serving serve a whole store."""

from collections.abc import Collection, Mapping

from store.labels import Labels
from store.layout import Store

CONFIG_FILE = "models.config"
CONTAINER_MOUNT = "/models"  # where docker-compose.yml mounts the store


def config_of_store(
    store: Store, *, coming: tuple[str, int] | None = None, changed: Mapping[str, Labels] | None = None
) -> bytes:
    """The file for the store as it will be: with the version `coming` and the labels `changed`.

    Raises:
        ManifestError: the labels of a model cannot be read. Without them its newest version would take the traffic.
    """
    model, number = coming or (None, None)
    versions = {name: store.versions(name) for name in store.models()}
    if model is not None and number is not None:
        versions[model] = [*versions.get(model, ()), number]
    labels = {name: Labels.read(store.base(name)) for name in versions} | dict(changed or {})
    text = model_server_config({name: (labels[name], versions[name]) for name in sorted(versions)}, CONTAINER_MOUNT)
    return text.encode()


def model_server_config(models: Mapping[str, tuple[Labels, Collection[int]]], mount: str) -> str:
    """Text proto naming each model, with its labels and versions, under `mount`, where the model server sees the store.

    Of a model with labels the policy names what it serves: TensorFlow Serving would load the newest version only.
    """
    entries = "".join(_entry(name, labels, versions, mount) for name, (labels, versions) in models.items())
    return f"model_config_list {{\n{entries}}}\n"


def _entry(name: str, labels: Labels, versions: Collection[int], mount: str) -> str:
    parts = [f'name: "{name}" base_path: "{mount}/{name}" model_platform: "tensorflow"']
    if labels.kept:
        served = " ".join(f"versions: {version}" for version in sorted(labels.served(versions)))
        parts.append(f"model_version_policy {{ specific {{ {served} }} }}")
    for label, version in sorted(labels.versions.items()):
        parts.append(f'version_labels {{ key: "{label}" value: {version} }}')
    return f"  config {{ {' '.join(parts)} }}\n"

"""The model card: what a person should know about a version, from the evidence."""

from store.golden import Golden
from store.manifest import Manifest, Metric


def model_card(manifest: Manifest, goldens: list[Golden]) -> str:
    """Markdown."""
    sections = [
        f"# {manifest.model}\n\n{manifest.description}",
        f"Task: {manifest.task}. Labels: {', '.join(manifest.labels)}. Parameters: {manifest.parameters:,}.",
        "## Measured\n\n" + "\n".join(map(_figure, manifest.metrics)),
        "## Where it comes from\n\n"
        + "\n".join(
            f"- {origin.source}. Licence: {origin.licence}." + (f" {origin.attribution}." if origin.attribution else "")
            for origin in manifest.origins
        ),
        "## Checked\n\n"
        f"- {len(goldens)} held-out requests are kept beside the model with the answers it must give\n"
        "- loaded in a fresh process it answered them as the trained model did, within 1e-5",
        "## Made by\n\n"
        f"- run {manifest.run}, code {manifest.code_commit}\n"
        f"- {', '.join(f'{name} {version}' for name, version in manifest.frameworks.items())}\n"
        f"- data sha256 {manifest.data_sha256}\n"
        f"- {manifest.digest}, {manifest.created:%Y-%m-%d %H:%M} UTC",
    ]
    return "\n\n".join(sections) + "\n"


def _figure(metric: Metric) -> str:
    interval = "" if metric.low is None or metric.high is None else f" (95 %: {metric.low:.4f} to {metric.high:.4f})"
    return f"- {metric.name} {metric.value:.4f}{interval} on {metric.rows:,} rows: {metric.data}"

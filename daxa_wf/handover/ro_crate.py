"""An archive as a Workflow Run RO-Crate: the metadata that tie products to steps, options, sources and software.

Sources: RO-Crate 1.1 (https://w3id.org/ro/crate/1.1), Workflow RO-Crate 1.0, and Process and Workflow Run Crate 0.5
(https://w3id.org/ro/wfrun/workflow/0.5). The archive's run is one action of the workflow, and each step on a unit is another.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

import daxa_wf
from daxa_wf.archive.lock import Lock, LockedStep
from daxa_wf.mission.registry import STEPS

Entity = dict[str, Any]

METADATA = "ro-crate-metadata.json"
WORKFLOW = "workflow/Snakefile"
"""Path of the main workflow in the crate."""
PROFILES = (
    ("https://w3id.org/ro/wfrun/process/0.5", "Process Run Crate", "0.5"),
    ("https://w3id.org/ro/wfrun/workflow/0.5", "Workflow Run Crate", "0.5"),
    ("https://w3id.org/workflowhub/workflow-ro-crate/1.0", "Workflow RO-Crate", "1.0"),
)
"""Profiles that the crate follows: permanent address, name, version."""
CONTEXT = ["https://w3id.org/ro/crate/1.1/context", {"sha256": "https://w3id.org/ro/terms/workflow-run#sha256"}]
LANGUAGE = "https://w3id.org/workflowhub/workflow-ro-crate#snakemake"
FORMATS = {".fits": "application/fits", ".gz": "application/gzip", ".svg": "image/svg+xml", ".png": "image/png",
           ".html": "text/html"}  # fmt: skip
"""Suffix -> media type."""
LICENSE = (
    "Each mission and data centre has its own terms; 'daxa-wf cite' prints the acknowledgements that they ask for."
)


def crate_text(lock: Lock, name: str, date: str, license_: str = LICENSE) -> str:
    """Return the text of `ro-crate-metadata.json` for a locked archive. Equal locks, names and dates give equal texts.

    `date` (ISO 8601) is the time when the archive was complete.
    """
    graph = [
        *_frame(lock, name, date, license_),
        *_run(lock, name, date),
        *_files(lock),
        *_steps(lock),
        *_software(lock),
    ]
    return json.dumps({"@context": CONTEXT, "@graph": [*map(_compact, graph)]}, indent=1, ensure_ascii=False) + "\n"


def _compact(entity: Entity) -> Entity:
    """Return an entity with single values in place of lists of one, and without empty lists, as RO-Crate recommends."""
    single = {
        name: value[0] if isinstance(value, list) and len(value) == 1 else value for name, value in entity.items()
    }
    return {name: value for name, value in single.items() if value != []}


def _frame(lock: Lock, name: str, date: str, license_: str) -> Iterator[Entity]:
    """Yield the descriptor, the root, and the profiles."""
    observations = sum(len(obsids) for obsids in lock.obsids.values())
    conforms = [_to("https://w3id.org/ro/crate/1.1"), _to(PROFILES[-1][0])]
    yield {"@id": METADATA, "@type": "CreativeWork", "about": _to("./"), "conformsTo": conforms}
    yield {
        "@id": "./", "@type": "Dataset", "name": f"Archive of X-ray observations: {name}",
        "description": f"{observations} observations of {', '.join(sorted(lock.obsids))}, processed by daxa_wf",
        "datePublished": date, "license": license_, "conformsTo": [_to(profile) for profile, _, _ in PROFILES],
        "mainEntity": _to(WORKFLOW), "hasPart": [_to(WORKFLOW), *(_to(_address(path)) for path in sorted(lock.products))],
        "mentions": [_to("#run"), _to("#sources"), _to("#products"), *map(_to, sorted(map(_action_of, lock.steps)))],
    }  # fmt: skip
    for profile, title, version in PROFILES:
        yield {"@id": profile, "@type": "CreativeWork", "name": title, "version": version}


def _run(lock: Lock, name: str, date: str) -> Iterator[Entity]:
    """Yield the workflow with its parameters, and the run that made the archive."""
    yield {
        "@id": WORKFLOW, "@type": ["File", "SoftwareSourceCode", "ComputationalWorkflow"], "name": "daxa_wf",
        "description": "selects, downloads, cleans and organises archival X-ray observations",
        "encodingFormat": "text/plain", "programmingLanguage": _to(LANGUAGE), "version": daxa_wf.__version__,
        "input": [_to("#parameter/configuration"), _to("#parameter/sources")], "output": [_to("#parameter/products")],
    }  # fmt: skip
    yield {
        "@id": LANGUAGE, "@type": "ComputerLanguage", "name": "Snakemake", "identifier": _to("https://doi.org/10.12688/f1000research.29032.2"),
        "url": _to("https://snakemake.readthedocs.io"),
    }  # fmt: skip
    for parameter, kind, example in (
        ("configuration", "PropertyValue", "#configuration"),
        ("sources", "Collection", "#sources"),
        ("products", "Collection", "#products"),
    ):
        yield {
            "@id": f"#parameter/{parameter}", "@type": "FormalParameter", "additionalType": kind, "name": parameter,
            "workExample": _to(example), "valueRequired": True,
        }  # fmt: skip
    yield {
        "@id": "#configuration", "@type": "PropertyValue", "name": "configuration", "value": _json(lock.configuration),
        "exampleOfWork": _to("#parameter/configuration"),
    }  # fmt: skip
    yield {
        "@id": "#run", "@type": "CreateAction", "name": f"Run of daxa_wf that made {name}", "instrument": _to(WORKFLOW),
        "object": [_to("#configuration"), _to("#sources")], "result": [_to("#products")], "endTime": date,
        "actionStatus": "http://schema.org/CompletedActionStatus", "description": "all steps on all units",
    }  # fmt: skip


def _files(lock: Lock) -> Iterator[Entity]:
    """Yield the source files, which the crate only describes, and the products, which it holds."""
    sources = {_source(path, file.sha256): (path, file) for path, file in sorted(lock.sources.items())}
    yield {
        "@id": "#sources", "@type": "Collection", "name": "source files", "hasPart": [_to(source) for source in sources],
        "exampleOfWork": _to("#parameter/sources"),
    }  # fmt: skip
    for source, (path, file) in sources.items():
        yield {
            "@id": source, "@type": "CreativeWork", "name": path.rpartition("/")[2], "sha256": file.sha256,
            "size": f"{file.size} bytes",
        }  # fmt: skip
    yield {
        "@id": "#products", "@type": "Collection", "name": "products", "exampleOfWork": _to("#parameter/products"),
        "hasPart": [_to(_address(path)) for path in sorted(lock.products)],
    }  # fmt: skip
    for path, record in sorted(lock.products.items()):
        suffix = "." + path.rpartition(".")[2]
        yield {
            "@id": _address(path), "@type": "File", "name": path.rpartition("/")[2],
            "encodingFormat": FORMATS.get(suffix, "text/plain"), "sha256": lock.steps[record].products[path],
        }  # fmt: skip


def _steps(lock: Lock) -> Iterator[Entity]:
    """Yield each step on each unit as an action, with its options, and the tools that the steps are."""
    tools: dict[str, Entity] = {}
    for path, step in sorted(lock.steps.items()):
        name, unit = path.split("/")[-2:]
        tool = _tool(name, step)
        tools[tool["@id"]] = tool
        options = f"#options/{_address(path)}"
        yield {"@id": options, "@type": "PropertyValue", "name": "options", "value": _json(step.parameters)}
        yield _action(lock, path, step, f"{name} of {unit.removesuffix('.json')}", tool["@id"], options)
    yield from (tools[identifier] for identifier in sorted(tools))


def _action(lock: Lock, path: str, step: LockedStep, name: str, tool: str, options: str) -> Entity:
    earlier = [
        product for record in step.built_on if record in lock.steps for product in sorted(lock.steps[record].products)
    ]
    sources = [_source(source, lock.sources[source].sha256) for source in step.sources if source in lock.sources]
    is_failure = step.status == "failed"
    status = "FailedActionStatus" if is_failure else "CompletedActionStatus"
    action = {
        "@id": _action_of(path), "@type": "CreateAction", "name": name, "instrument": _to(tool),
        "description": f"{step.status} {step.reason}".strip(),
        "object": [_to(options), *map(_to, dict.fromkeys(sources)), *(_to(_address(file)) for file in dict.fromkeys(earlier))],
        "result": [_to(_address(product)) for product in sorted(step.products)],
        "actionStatus": f"http://schema.org/{status}",
    }  # fmt: skip
    return {**action, "error": step.reason} if is_failure else action


def _tool(name: str, step: LockedStep) -> Entity:
    version = step.versions.get(step.engine) or step.versions.get("daxa_wf", "")
    identifier = f"#tool/{quote(f'{name}-{step.engine}-{version}')}"
    description = STEPS[name].description if name in STEPS else name
    return {
        "@id": identifier, "@type": "SoftwareApplication", "name": f"{name} ({step.engine})", "description": description,
        "softwareVersion": version or "unknown",
    }  # fmt: skip


def _software(lock: Lock) -> Iterator[Entity]:
    versions = sorted({(name, version) for step in lock.steps.values() for name, version in step.versions.items()})
    for name, version in versions:
        yield {
            "@id": f"#software/{quote(f'{name}-{version}')}", "@type": "SoftwareApplication", "name": name,
            "softwareVersion": version,
        }  # fmt: skip


def _to(identifier: str) -> dict[str, str]:
    return {"@id": identifier}


def _action_of(record: str) -> str:
    return f"#action/{quote(record)}"


def _address(path: str) -> str:
    return quote(path)


def _source(path: str, sha256: str) -> str:
    """Return the identifier of a source file, without the directories of this computer."""
    return f"#source/{sha256[:16]}/{quote(path.rpartition('/')[2])}"


def _json(values: Mapping[str, Any]) -> str:
    return json.dumps(values, sort_keys=True, ensure_ascii=False)

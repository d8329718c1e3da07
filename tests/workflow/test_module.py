"""Another workflow uses this one as a module, and goes on from one of its records."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from daxa_wf.archive.history import read_history
from daxa_wf.archive.layout import Layout
from daxa_wf.archive.made_from import kept_configuration
from daxa_wf.cli.shared import snakefile

from .conftest import OBSIDS, PREPARED, Run

CALLER = '''
module daxa_wf:
    snakefile:
        {snakefile!r}
    config:
        {config}


use rule * from daxa_wf {usage}


rule final:
    """The target of the caller: its own result, made from a product of the module's archive."""
    default_target: True
    input:
        "counts.txt",{further}


rule counts:
    input:
        "{archive}/records/xmm_pointed/{obsid}/{record}.json",
    output:
        "counts.txt",
    run:
        import json
        from pathlib import Path
        from astropy.io import fits

        record = json.loads(Path("{archive}/records/xmm_pointed/{obsid}/images/{obsid}M2.json").read_text())
        product = next(each["path"] for each in record["products"] if each["kind"] == "image")
        Path(output[0]).write_text(f"{{record['status']}} {{fits.getdata(Path('{archive}') / product).sum()}}")
'''


@pytest.mark.parametrize(
    ("usage", "further", "place", "rule", "jobs"),
    [
        ("as daxa_*", "rules.daxa_archive_report.output,", "xray", "daxa_manifest", "step"),
        ("as daxa_*", "rules.daxa_archive_report.output,", "xray", "daxa_manifest", "observation"),
        ("exclude all", "", "{folder}/elsewhere/xray", "manifest", "step"),
    ],
)
def test_a_caller_goes_on_from_a_product(
    usage: str, further: str, place: str, rule: str, jobs: str, small_observations: Path, tmp_path: Path
) -> None:
    """With the caller's own triggers and directory, the rules renamed or not, the archive beside it or elsewhere."""
    archive = place.format(folder=tmp_path)
    mission = {"source": {"local": str(small_observations)}, "obsids": [OBSIDS[0]], "instruments": ["M2"]}
    config = {
        "archive": archive,
        "author": "the caller",
        "message": "as a module",
        "missions": {"xmm_pointed": mission},
        "one_job_per": jobs,
    }
    folder = tmp_path / "caller"
    folder.mkdir()
    text = CALLER.format(
        snakefile=str(snakefile()), config=config, usage=usage, further=further, archive=archive, obsid=OBSIDS[0],
        record={"step": f"images/{OBSIDS[0]}M2", "observation": f"report/{OBSIDS[0]}"}[jobs],
    )  # fmt: skip
    (folder / "Snakefile").write_text(text)

    def run(*arguments: str) -> Run:
        command = ["--cores", "2", "--logger", "daxa", *arguments]
        return Run(*PREPARED.snakemake(command, folder, {**os.environ, "COLUMNS": "300"}))

    dry = run("-n")
    assert dry.code == 0, dry.text
    assert f"{rule} " in dry.text
    assert {path.name for path in folder.iterdir()} == {"Snakefile", ".snakemake"}
    first = run()
    assert first.code == 0, first.text
    status, counts = (folder / "counts.txt").read_text().split()
    assert (status, int(counts) > 0) == ("done", True)
    root = folder / archive
    record = json.loads((root / f"records/xmm_pointed/{OBSIDS[0]}/espfilt/{OBSIDS[0]}M2S002.json").read_text())
    assert (record["step"], record["status"]) == ("espfilt", "done")
    job = {"step": "M2S002     espfilt ", "observation": "           report  "}[jobs]
    assert f"{OBSIDS[0]}   {job}              done" in first.text
    assert f"Archive {root}" in first.text
    assert (root / "report.html").exists() == bool(further)
    (version,) = read_history(Layout(root)).versions
    assert (version.number, version.author, version.message) == ("1.0.0", "the caller", "as a module")
    assert (
        "author: the caller" in kept_configuration(Layout(root), version.configuration).with_suffix(".yaml").read_text()
    )
    assert {path.name for path in folder.iterdir()} <= {"Snakefile", ".snakemake", "counts.txt", "xray"}

    again = run()
    assert "Nothing to be done" in again.text, again.text
    image = next(root.rglob("*-image.fits"))
    image.unlink()
    if jobs == "step":
        stale = run("-n")
        assert "1 record is made again: a product is gone or changed" in stale.text
        for job in ("images", "counts"):
            assert f"{job} " in stale.text
    else:
        # Modules do not inherit `onstart`, so the job of the observation finds the stale record itself.
        stale = run()
        assert "1 record is made again: a product is gone or changed" in stale.text
        assert image.exists()

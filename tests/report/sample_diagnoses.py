"""The sample's oracles, and what comparing each run with its oracle says."""

from __future__ import annotations

from suite.records import Configuration, Diagnosis, Emulation, Place, Run, RunRow, Semantics, Status, Suspect


def oracle(one: Configuration) -> RunRow:
    """The oracle's run of a configuration, complete."""
    configuration = Configuration(scenario=one.scenario, environment="torch", strategy="oracle", devices=one.devices)
    semantics = Semantics(batch_statistics="per replica" if one.strategy == "torch_ddp" else "global")
    run = Run(
        configuration=configuration,
        variation="oracle",
        precision="float64",
        emulates=Emulation(semantics=semantics, name=one.strategy),
    )
    return RunRow(run=run, status=Status.COMPLETE, reason="", seconds=0.5, reused=False, facts={})


def diagnosis(row: RunRow) -> Diagnosis:
    """One equals its oracle, one does not, and one could not be compared."""
    name = row.run.configuration.strategy
    place = Place(stage="gradient", tensor="block_1/norm/gamma", state="0", size=0.04, ratio=4e8)
    suspect = Suspect(name="gradients-summed", distance=2e-15, matches=True, whole=True)
    return Diagnosis(
        run=row.run,
        oracle=oracle(row.run.configuration).run,
        distance={"single": 2e-15, "torch_ddp": 0.04}.get(name),
        reason="" if name in ("single", "torch_ddp") else "it has no float64 run",
        place=place if name == "torch_ddp" else None,
        suspects=(suspect,) if name == "torch_ddp" else (),
        tried=20 if name == "torch_ddp" else 0,
    )

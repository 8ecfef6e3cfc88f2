"""A run folder with its plan, read: which runs are complete, why the others are not, and what belongs together."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from suite import compare
from suite.artifacts import names
from suite.artifacts.artifact import RERUN, Artifact, Complete
from suite.artifacts.store import Store
from suite.compare import single_step
from suite.compare.snapshots import vanishing, with_neutral, with_neutral_state
from suite.plan.planning import trajectory_of
from suite.records import (
    LAYERWISE,
    ORACLE,
    SINGLE_STEP,
    Configuration,
    DamagedArtifact,
    Emulation,
    Manifest,
    Outcome,
    Plan,
    Run,
    RunRow,
    Semantics,
    Session,
    Status,
    plain,
)

DROPPED_BEFORE = (
    "what it was judged from was dropped, and is needed again: run `parity compare` again; with --keep all, it keeps it"
)
LINEAR = 1e-2  # float64 comes to 1e-5, anything rounded to float32 to 1 and more


class RunFolder:
    """A run folder with its plan: which runs are complete, and why the others are not. `settled`: scenarios whose verdicts
    were kept; of these, parts may have been dropped."""

    def __init__(self, store: Store, plan: Plan, session: Session, settled: Collection[str] = ()) -> None:
        self.store, self.plan, self.settled = store, plan, settled
        self._take(session)
        self._refused = {run: (status, reason) for run, status, reason in plan.refused}
        self._complete: dict[Run, Complete | str] = {}
        self._subjects: dict[Configuration, compare.Subject | str] = {}
        self._probes: dict[str, str] = {}
        self._vanishing: dict[str, frozenset[str]] = {}
        self.outputs = {row.name: row.outputs for row in session.scenarios}

    def _take(self, session: Session) -> None:
        """`runs`: those of the plan, and those that were asked for after it."""
        self.session = session
        self.runs = tuple(dict.fromkeys([*self.plan.runs, *self._by_scenario(session.further)]))
        self._asked = frozenset(self.runs)
        self._own: dict[Configuration, list[Run]] = {}
        for run in self.runs:
            self._own.setdefault(run.configuration, []).append(run)
        self._dropped: dict[str, bool] = {}

    def _by_scenario(self, further: Sequence[Run]) -> list[Run]:
        """Further runs in the order of the plan's scenarios: in which round each was asked for depends on the others."""
        order = {name: place for place, name in enumerate(self.planned())}
        return sorted(further, key=lambda run: order.get(run.configuration.scenario, len(order)))

    def renew(self, session: Session) -> set[Configuration]:
        """Takes a later session of the same plan; the configurations that have other runs than before."""
        before = {*self.session.further, *self.session.ended}
        self._take(session)
        asked = {run for run in session.further if run not in before}
        for run in asked:
            self._complete.pop(run, None)
        changed = {run.configuration for run in asked}
        # What a perturbed rerun says, it says of every configuration in its environment.
        perturbed = [run.configuration for run in asked if run.variation == "perturbed"]
        places = {(one.scenario, one.environment) for one in perturbed}
        changed |= {one for one in self._subjects if (one.scenario, one.environment) in places}
        changed |= {one for one in self._subjects if (step := self._step_of_oracle(one)) and step in asked}
        for configuration in changed:
            self._subjects.pop(configuration, None)
        return changed

    def configurations(self, scenario: str) -> list[Configuration]:
        """What is compared: not the oracles."""
        found = dict.fromkeys(run.configuration for run in self.plan.runs if run.configuration.strategy != ORACLE)
        return [configuration for configuration in found if configuration.scenario == scenario]

    def oracle_of(self, configuration: Configuration) -> Run | None:
        """The planned run that emulates, in the configuration's own environment, what its strategy declares; None if
        none was planned."""
        emulation = Emulation(semantics=self.declared(configuration))
        return self.planned_oracle(configuration, configuration.devices, emulation)

    def planned_oracle(self, configuration: Configuration, devices: int, emulation: Emulation) -> Run | None:
        """The run that emulates so many devices in the configuration's environment; None if none was planned or asked
        for."""
        where = replace(configuration, strategy=ORACLE, devices=devices, fault="")
        wanted = Run(configuration=where, variation=ORACLE, precision="float64", emulates=emulation)
        return wanted if wanted in self._asked else None

    def scenarios(self) -> list[str]:
        """Those that are to be judged."""
        return [name for name in self.planned() if name not in self.settled]

    def planned(self) -> list[str]:
        """All scenarios of the plan."""
        return list(dict.fromkeys(run.configuration.scenario for run in self.plan.runs))

    def artifacts(self, scenario: str) -> Iterator[tuple[Run, Artifact]]:
        """Of every run of the scenario that was asked for: its artifact, and what was loaded from its files."""
        environments = [one.environment.name for one in self.session.environments]
        for run in self.runs:
            if run.configuration.scenario == scenario:
                yield from ((run, artifact) for artifact in self.store.around(run, environments))

    def _is_dropped(self, scenario: str) -> bool:
        """Whether parts of it were dropped, and what was judged of it then does not count any more: nothing is judged by
        the rest."""
        if scenario in self.settled:
            return False
        if scenario not in self._dropped:
            manifests = (artifact.manifest() for _, artifact in self.artifacts(scenario))
            self._dropped[scenario] = any(manifest.dropped for manifest in manifests if manifest)
        return self._dropped[scenario]

    def declared(self, configuration: Configuration) -> Semantics:
        return self.session.declared.get(configuration.id, Semantics())

    def row(self, run: Run) -> RunRow:
        found = self._stored(run)
        if not isinstance(found, str):
            _, manifest = found
            reused = run.id in self.session.reused
            return RunRow(
                run=run,
                status=Status.COMPLETE,
                reason="",
                seconds=manifest.seconds,
                reused=reused,
                facts=manifest.facts,
                died=manifest.died,
            )
        status, reason, log, seconds = Status.PLANNED, found, "", 0.0
        if run in self._refused:
            status = self._refused[run][0]
        elif run.id in self.session.ended:
            ended = self.session.ended[run.id]
            status, log, seconds = ended.status, ended.log, ended.seconds
        elif self.store.run(run).manifest() is not None:
            status = Status.FAILED
        return RunRow(run=run, status=status, reason=reason, seconds=seconds, reused=False, facts={}, log=log)

    def complete(self, run: Run) -> Complete | str:
        """The artifact with its manifest, or why there is none."""
        found, scenario = self._stored(run), run.configuration.scenario
        return found if isinstance(found, str) else with_neutral_state(found, self._neutral_state(scenario))

    def _stored(self, run: Run) -> Complete | str:
        if run not in self._complete:
            self._complete[run] = self._look(run)
        return self._complete[run]

    def ran(self, configuration: Configuration) -> bool:
        """Whether its plain run is complete."""
        return not isinstance(self._stored(plain(configuration)), str)

    def asked(self, run: Run) -> bool:
        """Whether it was asked for after the plan, or planned."""
        return run in self._asked

    def further(self, run: Run) -> Complete | str:
        """As `complete`, of a run that may not have been asked for: what an earlier command left is not looked at."""
        return self.complete(run) if self.asked(run) else "it was not run"

    def trajectory(self, scenario: str) -> Artifact | None:
        """The run whose states single-step comparison starts from."""
        run = trajectory_of(self.plan, scenario, lambda one: not isinstance(self.complete(one), str))
        return self.store.run(run) if run else None

    def _look(self, run: Run) -> Complete | str:
        if run in self._refused:
            return self._refused[run][1]
        if self._is_dropped(run.configuration.scenario):
            return DROPPED_BEFORE
        artifact = self.store.run(run)
        manifest = artifact.manifest()
        if manifest is not None and manifest.status is Status.COMPLETE:
            return self._foreign(artifact) or artifact.damage(manifest) or _empty(run, manifest) or (artifact, manifest)
        if unreadable := artifact.unreadable():
            return unreadable
        ended = self.session.ended.get(run.id)
        if ended is not None and ended.reason:
            return ended.reason
        return "it did not finish" if manifest else "it did not start: the command was interrupted"

    def _foreign(self, artifact: Artifact) -> str:
        """That an artifact was made from something other than this session's scenarios, environments and options; empty if
        it was not, or if there is none."""
        manifest, wanted = artifact.manifest(), self.session.digests.get(artifact.where)
        if manifest is None or wanted in (None, manifest.digest):
            return ""
        return f"{artifact.where} was made with a different scenario, environment or options: {RERUN}"

    def subject(self, configuration: Configuration) -> compare.Subject | str:
        if configuration not in self._subjects:
            self._subjects[configuration] = self._assemble(configuration)
        return self._subjects[configuration]

    def _assemble(self, configuration: Configuration) -> compare.Subject | str:
        own: dict[str, list[Complete]] = {}  # by kind of run
        neutral = self._neutral(configuration)
        reasons = {}
        for run in self._own.get(configuration, ()):
            found = self.complete(run)
            if isinstance(found, str):
                reasons[run.kind] = found
            else:
                own.setdefault(run.kind, []).append(with_neutral(found, neutral))
        if "plain" not in own:
            return reasons.get("plain", "it was not planned")
        no_float64 = "" if "plain-float64" in own else f"no float64 run: {reasons.get('plain-float64', 'not planned')}"
        oracle = self.oracle_of(configuration)
        emulated = self.complete(oracle) if oracle else "no oracle was planned"
        return compare.Subject(
            plain=own["plain"][0],
            repeats=tuple(own.get("repeat", ())),
            permuted=tuple(own.get("permuted", ())),
            float64=own["plain-float64"][0] if "plain-float64" in own else None,
            float64_permuted=tuple(own.get("permuted-float64", ())),
            perturbed=self._perturbed(configuration),
            oracle=None if isinstance(emulated, str) else emulated,
            seeds=tuple(own.get("seed", ())),
            no_oracle=f"no oracle: {emulated}" if isinstance(emulated, str) else "",
            no_float64=no_float64 or self.probe(configuration.environment),
            left_out=self._left_out(configuration),
            outputs=self.outputs.get(configuration.scenario, "probabilities"),
        )

    def _neutral_state(self, scenario: str) -> frozenset[str]:
        """What is zero but for rounding in every configuration of the scenario; nothing where verdicts were kept, and what
        they were judged from may have been dropped."""
        if scenario in self.settled:
            return frozenset()
        if scenario not in self._vanishing:
            runs = [(self._stored(plain(one)), self._stored(plain(one, "float64"))) for one in self.configurations(scenario)]
            whole = [(one, two) for one, two in runs if not isinstance(one, str) and not isinstance(two, str)]
            self._vanishing[scenario] = vanishing(whole)
        return self._vanishing[scenario]

    def _neutral(self, configuration: Configuration) -> frozenset[str]:
        """What single float64 steps of it and of its oracle show that nothing depends on; empty where they were not asked
        for."""
        step = self._step_of_oracle(configuration)
        if step is None:
            return frozenset()
        own = self.further(Run(configuration=configuration, variation=SINGLE_STEP, precision="float64"))
        other = self.further(step)
        return frozenset() if isinstance(own, str) or isinstance(other, str) else single_step.neutral(own, other)

    def _step_of_oracle(self, configuration: Configuration) -> Run | None:
        oracle = self.oracle_of(configuration)
        return None if oracle is None else replace(oracle, variation=SINGLE_STEP)

    def _left_out(self, configuration: Configuration) -> str:
        """Why permuted reruns of it were not to be run; empty if all were."""
        refused = (self._refused.get(run) for run in self._own[configuration] if run.kind == "permuted")
        reason = next((one[1] for one in refused if one and one[0] is Status.LEFT_OUT), "")
        return f"reruns of {configuration.id} were {reason}, so its rounding was not measured" if reason else ""

    def _perturbed(self, configuration: Configuration) -> tuple[Complete, ...]:
        """The float64 run on one device in this environment and its perturbed reruns; empty if these were not asked for."""
        alone = self.alone(configuration.scenario, configuration.environment)
        reruns = [run for run in self.session.further if run.variation == "perturbed" and run.configuration == alone]
        if alone is None or not reruns:
            return ()
        found = [self.complete(run) for run in (plain(alone, "float64"), *reruns)]
        whole = tuple(one for one in found if not isinstance(one, str))
        return whole if len(whole) == len(found) else ()

    def alone(self, scenario: str, environment: str) -> Configuration | None:
        """The configuration on one device in an environment, without a fault; None if there is none."""
        return next(
            (
                one
                for one in self.configurations(scenario)
                if one.environment == environment and one.devices == 1 and not one.fault
            ),
            None,
        )

    def probe(self, environment: str) -> str:
        """Why float64 runs of this environment are not to be trusted; empty if its float64 probe passed."""
        if environment not in self._probes:
            self._probes[environment] = self._probe(environment)
        return self._probes[environment]

    def _probe(self, environment: str) -> str:
        probe = self.store.probe(environment)
        try:
            found = float(probe.arrays(names.NONLINEARITY)[names.NONLINEARITY].item())
        except (DamagedArtifact, ValueError) as error:  # ValueError: it is not one number
            return f"the float64 probe of {environment} left nothing ({error})"
        if foreign := self._foreign(probe):
            return f"the float64 probe of {environment} says nothing ({foreign})"
        if not found <= LINEAR:
            return (
                f"the float64 probe of {environment} failed: it does not compute in float64 throughout (its response to a "
                f"change of 1e-10 is {found:.1e} from linear, {LINEAR:.0e} allowed)"
            )
        return ""

    def lost(self) -> tuple[Outcome, ...]:
        """What complete float64 runs rest on and is damaged or gone: their environment's probe, and their files, loaded
        again. Nothing else says so: a float32 check without its artifact did not run, and a run without one is not
        complete."""
        ran = [run for run in self.plan.runs if run.precision == "float64" and not isinstance(self._stored(run), str)]
        found = [(f"probe/{name}", self._lost_probe(name)) for name in {run.configuration.environment: None for run in ran}]
        found += [lost for run in ran if run.variation == "plain" for lost in self._lost_loads(run)]
        reasons = {job: reason for job, reason in reversed(found) if reason}
        known = {outcome.job for outcome in self.session.jobs}
        return tuple(Outcome(job=job, status=Status.FAILED, reason=reasons[job]) for job in reasons if job not in known)

    def _lost_probe(self, environment: str) -> str:
        probe = self.store.probe(environment)
        return _damage(probe) or self._foreign(probe)

    def _lost_loads(self, run: Run) -> Iterator[tuple[str, str]]:
        """For every file of a complete run, as it was to be loaded: the job that was to do so, and what is wrong with what
        it left; empty if nothing is."""
        own, scenario = run.configuration.environment, run.configuration.scenario
        planned = (one.configuration for one in self.plan.runs if one.variation == "plain" and one not in self._refused)
        others = dict.fromkeys(one.environment for one in planned if one.scenario == scenario)
        saved = self.store.run(run).manifest()
        for environment in [own] if run.configuration.fault else others:
            for form in names.forms(saved, own=environment == own):
                artifact = self.store.reload(run, environment, form)
                manifest = artifact.manifest()
                loaded = manifest is not None and manifest.status is Status.COMPLETE
                wrong = _damage(artifact) or (self._wrong_load(artifact, saved, form) if loaded else "")
                yield f"reload/{scenario}/{environment}/{run.precision}", wrong

    def reloaded(self, run: Run, environment: str, form: str, described: Manifest) -> compare.Snapshot | tuple[Status, str]:
        artifact = self.store.reload(run, environment, form)
        manifest = artifact.manifest()
        if manifest is None or manifest.status is not Status.COMPLETE:
            known = manifest.reason if manifest else artifact.unreadable()
            reason = known or self._not_reloaded(run, environment)
            return (manifest.status if manifest else Status.FAILED), reason
        damage = self._wrong_load(artifact, described, form) or artifact.damage(manifest)
        return (Status.FAILED, damage) if damage else compare.reloaded(artifact, manifest, described)

    def _wrong_load(self, artifact: Artifact, saved: Manifest | None, form: str) -> str:
        """Why what was loaded is not what a run with the manifest `saved` has in its file; empty if it is."""
        if artifact.is_of(saved, form):
            return self._foreign(artifact)
        return f"{artifact.where} was loaded from a different {names.loaded_by(form)}: {RERUN}"

    def resumed(self, run: Run, described: Manifest) -> compare.Snapshot | tuple[Status, str]:
        """What was loaded from the run's file where it was saved, after some training steps more."""
        found = self.reloaded(run, run.configuration.environment, names.KERAS_FILE, described)
        if not isinstance(found, compare.Snapshot):
            return found
        if found.manifest.after_saving:
            return Status.FAILED, f"the model loaded from {names.KERAS_FILE} does not go on: {found.manifest.after_saving}"
        return compare.resumed(found.artifact, found.manifest, described)

    def _not_reloaded(self, run: Run, environment: str) -> str:
        """Why there is nothing of a file: how the job ended that was to load it."""
        job = f"reload/{run.configuration.scenario}/{environment}/{run.precision}"
        reasons = [outcome.reason for outcome in self.session.jobs if outcome.job == job]
        return f"it was not reloaded in {environment}" + (f": {reasons[0]}" if reasons and reasons[0] else "")


def _empty(run: Run, manifest: Manifest) -> str:
    """Why there is nothing to compare of a run that is said to be complete; empty if there is something."""
    trains = run.variation not in (SINGLE_STEP, LAYERWISE)
    return "its manifest names no training step: run it again with --rerun failed" if trains and not manifest.steps else ""


def _damage(artifact: Artifact) -> str:
    """Why nothing is known of an artifact that was to be made; empty if it is whole, or says itself why it is not."""
    manifest = artifact.manifest()
    if manifest is None:
        return artifact.unreadable() or "it left nothing: run it again"
    return artifact.damage(manifest)

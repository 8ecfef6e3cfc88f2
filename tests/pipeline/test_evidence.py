"""Verdicts rest on artifacts: without some of them, none becomes better, and no difference goes without exit code 2."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from suite.artifacts import places
from suite.records import Verdict
from tests.campaign import ground as grounds
from tests.campaign.damage import Folder
from tests.campaign.ground import Ground

Finished = tuple[Ground, Folder]


@pytest.fixture(scope="module", params=["different", "by design"])
def finished(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    folder = tmp_path_factory.mktemp("evidence")
    ground = grounds.made(folder / "ground", request.param)
    outside = folder / "outside"
    outside.mkdir()
    return ground, Folder(ground.run, ground.run, outside)


def judged_without(finished: Finished, removed: list[str]) -> tuple[grounds.Verdicts, int]:
    ground, folder = finished
    for place in removed:
        places.clear(folder.root, place)
    try:
        results = grounds.judged(ground.run)
    finally:
        folder.mend(*removed)
    return grounds.verdicts(results), results.exit_code


@settings(max_examples=8, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_no_verdict_is_better_without_some_artifacts(finished: Finished, data: st.DataObject) -> None:
    ground, folder = finished
    removed = data.draw(st.lists(st.sampled_from(folder.artifacts), unique=True, max_size=len(folder.artifacts)))
    now, code = judged_without(finished, removed)
    assert grounds.changed(ground.verdicts, now, code, ground.code) == []


def test_without_any_artifact_nothing_is_known(finished: Finished) -> None:
    _, folder = finished
    now, code = judged_without(finished, [place for place in folder.artifacts if "/reload/" not in place])
    assert code == 2 and set(now.values()) == {Verdict.NOT_RUN}


def test_what_is_not_removed_is_judged_as_before(finished: Finished) -> None:
    ground, _ = finished
    assert judged_without(finished, []) == (ground.verdicts, ground.code)


def test_the_rule_of_the_campaign_knows_what_is_wrong() -> None:
    clean = {"pair": Verdict.DIFFERENT, "check": Verdict.ROUNDING}
    changed = {**clean, "pair": Verdict.INCONCLUSIVE}
    assert grounds.changed(clean, changed, code=2, expected=1) == []
    assert grounds.changed(clean, changed, code=1, expected=1) != []
    assert grounds.changed(clean, {**clean, "pair": Verdict.ROUNDING}, code=2, expected=1) != []
    assert grounds.changed(clean, {"pair": Verdict.DIFFERENT}, code=1, expected=1) == ["check is gone"]
    assert grounds.changed(clean, clean, code=0, expected=1) != []

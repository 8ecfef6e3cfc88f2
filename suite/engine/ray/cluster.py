"""A Ray cluster as the site of a command: its nodes, their environments, and the folder that they share."""

from __future__ import annotations

import contextlib
import secrets
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar, final

import msgspec

from suite.engine.dispatch import Engine
from suite.engine.events import Event
from suite.engine.local import ENTRY
from suite.engine.ray import link
from suite.engine.ray.agent import scenarios_digest
from suite.engine.ray.link import START_SECONDS, Link, NodeLost
from suite.engine.ray.messages import Begin, Facts, Ready, Wanted
from suite.engine.ray.node import RayNode, Settings
from suite.plan import digests, locations
from suite.records import Environment, Provisioned, UsageError

END_SECONDS = 10.0
T = TypeVar("T")
R = TypeVar("R")


@dataclass(kw_only=True)
class Member:
    """A node with an agent. `name`: its host name, numbered where several have one. `ready`: its environments by name."""

    link: Link
    name: str
    facts: Facts
    ready: dict[str, Provisioned] = field(default_factory=dict)


@contextlib.contextmanager
def connected(address: str, *, shared: Path | None, out: Path, report: Callable[[str], None]) -> Iterator[Cluster]:
    """The nodes of a cluster that can be used. Their agents end with it.

    Raises:
        UsageError: there is none; or `out` is not in `shared`, or a node does not share it.
    """
    if shared is not None and not out.resolve().is_relative_to(shared.resolve()):
        raise UsageError(f"--out {out} is not in --shared {shared}: choose a run folder in it")
    with link.connected(address) as links, _agents(links, report) as members:
        if shared is not None:
            check_shared(members, shared.resolve())
        report(f"Ray: {', '.join(described(one) for one in members)}")
        yield Cluster(members, shared=shared.resolve() if shared else None)


def described(member: Member) -> str:
    """A node in a few words."""
    gpus = f", {member.link.gpus} GPUs" if member.link.gpus else ""
    return f"{member.name} ({member.link.cores} processors{gpus})"


@contextlib.contextmanager
def _agents(links: Sequence[Link], report: Callable[[str], None]) -> Iterator[list[Member]]:
    """Every node whose agent started. Raises UsageError if there is none."""
    try:
        for one in links:
            one.start()
        found = dict(zip(links_by_name(links), _in_parallel(_facts, links), strict=True))
        for name, facts in found.items():
            if isinstance(facts, str):
                report(f"node {name} is left out: {facts}")
        members = [
            Member(link=one, name=name, facts=facts)
            for one, (name, facts) in zip(links, found.items(), strict=True)
            if isinstance(facts, Facts)
        ]
        if not members:
            raise UsageError("no node of the Ray cluster can be used: see the lines above, or add nodes with processors")
        yield members
    finally:
        _in_parallel(_end, links)


def links_by_name(links: Sequence[Link]) -> list[str]:
    """What each is called: by its host name, and a number where several have one."""
    addresses = [one.address for one in links]
    seen: Counter[str] = Counter()
    names = []
    for address in addresses:
        seen[address] += 1
        names.append(f"{address}-{seen[address]}" if addresses.count(address) > 1 else address)
    return names


def _facts(one: Link) -> Facts | str:
    """What the agent says of its node, or why the node cannot be used."""
    try:
        facts = msgspec.json.decode(one.call("describe", seconds=START_SECONDS), type=Facts)
    except NodeLost as error:
        return f"{error}: is keras-parity installed there, and is nothing else running on all of its processors?"
    if not facts.authenticated:
        return "its Ray asks for no token: start Ray there with RAY_AUTH_MODE=token"
    if facts.suite != own_suite():
        return f"it has another keras-parity ({facts.version}; here {locations.version()}): install the same on all nodes"
    return facts


def own_suite() -> str:
    """Digests of what jobs run, here."""
    return digests.suite_digest() + digests.injection_digest() + scenarios_digest()


def _end(one: Link) -> None:
    with contextlib.suppress(NodeLost):
        one.call("end", seconds=END_SECONDS)
    one.end()


def check_shared(members: Sequence[Member], folder: Path) -> None:
    """Every node reads a token from the folder, and what it leaves there is read here.

    Raises:
        UsageError: one cannot.
    """
    if not folder.is_dir():
        raise UsageError(f"--shared {folder} is no folder: make it, on a file system that all nodes mount")
    with tempfile.TemporaryDirectory(dir=folder, prefix=".parity-", ignore_cleanup_errors=True) as place:
        token = secrets.token_hex()
        Path(place, token).write_text(token)
        for member in members:
            answer = secrets.token_hex()
            shares = member.link.call("shares", place, token, answer, seconds=START_SECONDS)
            if not shares or not Path(place, answer).is_file():
                raise UsageError(
                    f"--shared {folder} is not shared by node {member.name}: mount it there, or leave the option out; then "
                    "files are sent"
                )


def _in_parallel(do: Callable[[T], R], items: Sequence[T]) -> list[R]:
    with ThreadPoolExecutor(max_workers=max(1, len(items))) as pool:
        return list(pool.map(do, items))


@final
class Cluster:
    """See `sites.Site`. `shared`: a folder that all nodes have."""

    def __init__(self, members: Sequence[Member], shared: Path | None) -> None:
        self._members, self._shared = members, shared
        self._merged: dict[str, Provisioned] = {}

    def gpus(self) -> tuple[str, ...]:
        """The names of the GPUs of the node that has most."""
        return max((member.facts.gpus for member in self._members), key=len)

    def passed_over(self, device: str) -> str:
        """What the first node says that has an accelerator which is not supported."""
        said = [member.facts.passed_over for member in self._members if member.facts.passed_over]
        return said[0] if said and device == "auto" and not self.gpus() else ""

    def provision(
        self,
        environments: Sequence[Environment],
        *,
        folder: Path,
        device: str,
        plugins: Sequence[str],
        report: Callable[[str], None],
    ) -> dict[str, Provisioned]:
        """On all nodes at once. An environment is that of the first node that has it. A node on which it differs does not
        use it."""
        wanted = Wanted(environments=tuple(environments), folder=_given(folder), device=device, plugins=tuple(plugins))
        made = _in_parallel(lambda member: _provisioned(member, wanted), self._members)
        for member, ready in zip(self._members, made, strict=True):
            for line in ready.lines:
                report(f"node {member.name}: {line}")
            member.ready |= ready.provisioned
        merged = {one.name: merge([member.ready[one.name] for member in self._members]) for one in environments}
        for member in self._members:
            member.ready |= {name: agreed(member.ready[name], merged[name]) for name in merged}
        self._merged |= merged
        return merged

    @contextlib.contextmanager
    def engine(
        self,
        provisioned: Mapping[str, Provisioned],
        *,
        folder: Path,
        environments: Path,
        cores: int,
        timeout: float,
        listen: Callable[[Event], None],
        jobs_per_gpu: int = 0,
        entry: str = ENTRY,
    ) -> Iterator[Engine]:
        """What runs jobs for one run folder."""
        folder = folder.resolve()
        begin = Begin(
            folder=str(folder), is_shared=self._is_shared(folder), environments=_given(environments), name="", entry=entry
        )
        settings = Settings(begin=begin, is_shared=self._is_shared, cores=cores, jobs_per_gpu=jobs_per_gpu)
        opened: list[RayNode] = []
        try:
            for member in self._members:
                ready = {name: self._of_node(member, one) for name, one in provisioned.items()}
                RayNode(member.link, member.facts, ready, settings, name=member.name, opened=opened)
            with Engine(tuple(opened), folder=folder, timeout=timeout, listen=listen) as engine:
                yield engine
        finally:
            _in_parallel(RayNode.close, opened)

    def _is_shared(self, path: Path) -> bool:
        return self._shared is not None and path.resolve().is_relative_to(self._shared)

    def _of_node(self, member: Member, one: Provisioned) -> Provisioned:
        """An environment on a node. One that no node has under this name is an installed one with something changed, such as
        an injected fault."""
        name = one.environment.name
        if name not in member.ready:
            name = next((known for known, merged in self._merged.items() if merged.python == one.python), "")
        there = member.ready.get(name)
        if there is None or there.reason:
            return Provisioned(environment=one.environment, reason=there.reason if there else one.reason)
        environment = replace(one.environment, python=there.python, pythonpath=there.environment.pythonpath)
        return replace(one, python=there.python, environment=environment)


def _provisioned(member: Member, wanted: Wanted) -> Ready:
    try:
        return msgspec.json.decode(member.link.call("provision", msgspec.json.encode(wanted)), type=Ready)
    except NodeLost as error:
        none = {one.name: Provisioned(environment=one, reason=str(error)) for one in wanted.environments}
        return Ready(provisioned=none, lines=(f"is lost: {error}",))


def merge(of_nodes: Sequence[Provisioned]) -> Provisioned:
    """One environment as all nodes have it: that of the first node on which it is ready."""
    return next((one for one in of_nodes if not one.reason), of_nodes[0])


def agreed(here: Provisioned, merged: Provisioned) -> Provisioned:
    """A node's own, or why it cannot be used: runs of one environment must not differ by their node."""
    if here.reason or here.digest == merged.digest:
        return here
    differing = sorted(set(here.packages.items()) ^ set(merged.packages.items()))
    names = ", ".join(dict.fromkeys(name for name, _ in differing)) or "something beside its main packages"
    return replace(here, reason=f"it has other versions than the first node ({names}): make it anew there")


def _given(folder: Path) -> str:
    """A folder of environments that was chosen; empty for the default, which is each node's own."""
    return "" if folder == locations.environments_folder() else str(folder.resolve())

"""What the coordinator and an agent tell each other. It travels as JSON: neither side executes what the other one sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from suite.engine.hosts import Answer
from suite.records import Environment, Job, Options, Provisioned


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What a node is. `suite`: digest of its code. `gpus`: names; `visible`: what CUDA_VISIBLE_DEVICES calls them; `used`:
    bytes that other programs hold of each. `passed_over`: an accelerator that is not supported, as a line. `authenticated`:
    whether Ray asks for a token there. `scenarios`: the folder of the built-in ones."""

    suite: str
    version: str
    gpus: tuple[str, ...]
    visible: tuple[str, ...]
    used: tuple[int, ...]
    is_exclusive: bool
    passed_over: str
    authenticated: bool
    scenarios: str
    folder: str


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Environments that a node is to make ready. `folder`: empty for the node's own."""

    environments: tuple[Environment, ...]
    folder: str
    device: str
    plugins: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Ready:
    """The environments of a node by name, and what was reported while they were made."""

    provisioned: Mapping[str, Provisioned]
    lines: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Begin:
    """An engine begins. `folder`: the run folder as the coordinator calls it; on a node that does not share it, a folder of
    its own takes its place. `environments`: as `Wanted.folder`."""

    folder: str
    is_shared: bool
    environments: str
    name: str
    entry: str


@dataclass(frozen=True, kw_only=True)
class Order:
    """What an agent is to do with a host: "open", "start", "stop", "close" or "kill". Paths are the coordinator's."""

    kind: str
    host: int
    environment: Environment | None = None
    options: Options | None = None
    python: str = ""
    log: str = ""
    job: Job | None = None
    file: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Sent:
    """A file by what it holds. `name`: below the run folder."""

    name: str
    digest: str
    size: int


@dataclass(frozen=True, kw_only=True)
class Message:
    """What an agent says of a host. `files` are to be there before the rest is believed, the last one last. `moved`: the job
    file of a job that has begun or finished a run. `exitcode`: the host has ended."""

    host: int
    answer: Answer | None = None
    moved: str = ""
    files: tuple[Sent, ...] = ()
    exitcode: int | None = None

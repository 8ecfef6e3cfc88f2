"""The entry point: installs the suite and calls it. It holds no logic: environments of backends are made by `parity`."""

from __future__ import annotations

import nox

PROJECT = nox.project.load_toml("pyproject.toml")
WITHOUT_BACKENDS = ["-m", "not backends and not ray", "--numprocesses", "auto"]
ON_RAY = ["-m", "ray", "--numprocesses", "0"]  # one cluster, which the tests share
# Those on the real backends start processes for all cores themselves. Two at a time use what one leaves idle while it
# judges, or trains on one device. A file is one run folder, which its tests share.
TWO_FILES_AT_A_TIME = ["--numprocesses", "2", "--dist", "loadfile"]
ON_BACKENDS = ["-m", "backends and not long", *TWO_FILES_AT_A_TIME]
LONG = ["-m", "long", *TWO_FILES_AT_A_TIME]

nox.options.sessions = ["compare-all"]
nox.options.reuse_existing_virtualenvs = True
nox.options.default_venv_backend = "uv|virtualenv"


def parity(session: nox.Session, *arguments: str) -> None:
    """Runs the command line. Nox answers any failure with 1, whatever the exit code was, and goes on to other sessions."""
    session.install("-e", ".")
    session.run("parity", *arguments)


@nox.session(name="compare-all")
def compare_all(session: nox.Session) -> None:
    """Every scenario on every backend, one device and many; judge, explain, write the report.

    Ends nox with the exit code of `parity compare`: 0 to 4 mean different things to whoever runs this on a schedule.
    """
    session.install("-e", ".")
    try:
        session.run("parity", "compare", *session.posargs)
    except nox.command.CommandFailed as failed:
        raise SystemExit(failed.return_code or 1) from None


@nox.session
def tensorflow(session: nox.Session) -> None:
    """TensorFlow's runs alone."""
    parity(session, "compare", "--backend", "tensorflow", *session.posargs)


@nox.session
def jax(session: nox.Session) -> None:
    """JAX's runs alone."""
    parity(session, "compare", "--backend", "jax", *session.posargs)


@nox.session
def torch(session: nox.Session) -> None:
    """PyTorch's runs alone."""
    parity(session, "compare", "--backend", "torch", *session.posargs)


@nox.session
def claims(session: nox.Session) -> None:
    """Put the article's claims to the test on one scenario."""
    parity(session, "claims", *session.posargs)


@nox.session
def report(session: nox.Session) -> None:
    """Judge and render again what is on disk."""
    parity(session, "report", *session.posargs)


@nox.session
def selftest(session: nox.Session) -> None:
    """Inject faults in real runs: what is detected, named and located? nox -s selftest -- --sample 10"""
    parity(session, "selftest", *session.posargs)


@nox.session
def zoo(session: nox.Session) -> None:
    """Hold single calls of layers, losses and optimizers against their definitions: nox -s zoo -- --sample 100"""
    parity(session, "zoo", *session.posargs)


@nox.session
def check(session: nox.Session) -> None:
    """Does a saved model predict the same everywhere? nox -s check -- model.keras"""
    parity(session, "check", *session.posargs)


@nox.session
def versions(session: nox.Session) -> None:
    """Two scenarios on versions of Keras from the oldest to the newest, old against new: docs/environments.md."""
    scenarios = ["--scenario", "article-mlp", "--scenario", "issue-46488-cnn"]
    where = ["--environments", "docs/environments/versions.toml", "--out", "reports/versions"]
    parity(session, "compare", *where, *scenarios, "--devices", "1", *session.posargs)


@nox.session
def diff(session: nox.Session) -> None:
    """Say what moved between two results.json: nox -s diff -- A B."""
    parity(session, "diff", *session.posargs)


@nox.session
def repro(session: nox.Session) -> None:
    """Write a script of plain Keras that shows a finding: nox -s repro -- FINDING."""
    parity(session, "repro", *session.posargs)


@nox.session(name="new-scenario")
def new_scenario(session: nox.Session) -> None:
    """Write a scenario to start from: nox -s new-scenario -- NAME."""
    parity(session, "new-scenario", *session.posargs)


@nox.session
def tests(session: nox.Session) -> None:
    """The gate's tests: on the real backends too (at first, that installs them), in a browser if there is one."""
    session.install("-e", ".", *nox.project.dependency_groups(PROJECT, "tests", "browser"))
    for selection in [session.posargs] if session.posargs else [WITHOUT_BACKENDS, ON_BACKENDS]:
        session.run("pytest", *selection)


@nox.session(name="tests-long")
def tests_long(session: nox.Session) -> None:
    """The tests on the real backends that the gate leaves out: all kinds of models, recipes, optimizers, claims, scripts."""
    session.install("-e", ".", *nox.project.dependency_groups(PROJECT, "tests"))
    session.run("pytest", *LONG, *session.posargs)


@nox.session
def cluster(session: nox.Session) -> None:
    """The tests that start a Ray cluster on this machine, and kill its nodes. They wait for Ray: not beside other work."""
    session.install("-e", ".[ray]", *nox.project.dependency_groups(PROJECT, "tests"))
    session.run("pytest", *ON_RAY, *session.posargs)


@nox.session
def coverage(session: nox.Session) -> None:
    """The tests without backends, which must cover as many branches as pyproject.toml says; takes twice as long."""
    session.install("-e", ".", *nox.project.dependency_groups(PROJECT, "tests", "browser"))
    session.run("pytest", *WITHOUT_BACKENDS, "--cov", "--cov-report=term", *session.posargs)


@nox.session
def campaign(session: nox.Session) -> None:
    """Faults, corruptions and hostile inputs, drawn from a seed: nox -s campaign -- --seed 7 --count 100"""
    session.install("-e", ".", *nox.project.dependency_groups(PROJECT, "tests"))
    session.run("python", "-m", "tests.campaign", *session.posargs)


@nox.session(name="tests-browser")
def tests_browser(session: nox.Session) -> None:
    """The page in a real browser: Chromium must be there (Debian, as root: it is installed)."""
    session.install("-e", ".", *nox.project.dependency_groups(PROJECT, "tests", "browser"))
    session.run("python", "-m", "tests.browser.chromium", "--install")
    session.run("pytest", "tests/browser", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Style and types of the Python code, the page's script, and the templates."""
    session.install("-e", ".", *nox.project.dependency_groups(PROJECT, "tests", "browser", "lint"), "nox")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("mypy")
    session.run("python", ".ci/lint_script.py")
    session.run("djlint", "--lint", "--quiet", "suite/report")

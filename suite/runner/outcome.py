"""How a job can end other than well."""


class Unsupported(Exception):
    """What was asked for cannot be done by this backend, version or model; the message says by whom and why."""


def fail(reason: str) -> None:
    raise SystemExit(reason)

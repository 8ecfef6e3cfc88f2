"""Run in an environment: every script of a defect, each in a process of its own that is forked from this one, which has
imported Keras. Writes the exit codes by the scripts' names.

    python scripts_of_defects.py FILE.json SCRIPT.py ...
"""

from __future__ import annotations

import json
import os
import runpy
import signal
import sys
from pathlib import Path
from typing import NoReturn

import keras

SECONDS = 180
UNFORESEEN = 99  # the script raised something that it does not expect


def in_this_process(script: str) -> NoReturn:
    signal.alarm(SECONDS)
    sys.argv = [script]
    code: int | str | None = 0
    try:
        runpy.run_path(script, run_name="__main__")
    except SystemExit as ended:
        code = ended.code
    except BaseException as error:
        print(f"{script}: {type(error).__name__}: {error}")
        code = UNFORESEEN
    sys.stdout.flush()
    os._exit(code if isinstance(code, int) else 0 if code is None else UNFORESEEN)


codes: dict[str, int] = {}
for script in sys.argv[2:]:
    child = os.fork()
    if child == 0:
        in_this_process(script)
    _, status = os.waitpid(child, 0)
    codes[Path(script).stem] = os.waitstatus_to_exitcode(status)
Path(sys.argv[1]).write_text(json.dumps({"keras": keras.__version__, "codes": codes}))

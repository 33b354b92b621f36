"""`python -m dagfactory.run.warm FOLDER IDLE`: the process that `dagfactory up` leaves behind."""

import sys
from pathlib import Path

from dagfactory.diagnostics.diagnostic import DagfactoryError
from dagfactory.project.files import plainly
from dagfactory.run.errors import lines
from dagfactory.run.interrupt import Stopped, stoppable
from dagfactory.run.state_folders import StateFolders
from dagfactory.run.warm.server import serve


def main() -> int:
    """Serve; what goes wrong is said in a line, which `dagfactory up` shows."""
    folder, idle = sys.argv[1:]
    try:
        with stoppable(sys.stderr), plainly():
            serve(StateFolders(Path(folder)), float(idle))
    except Stopped as stop:
        return stop.exit_code
    except DagfactoryError as error:
        sys.stderr.writelines(f"{line}\n" for line in lines(error))
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())

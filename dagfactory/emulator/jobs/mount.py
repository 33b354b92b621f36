"""Run a command that sees Cloud Storage below /gcs, as a job on Vertex AI does.

    python mount.py FOLDER COMMAND ...

The process gets a mount namespace and in it a root of its own, which has everything of the machine's and
/gcs beside it; the machine's stays as it is. Linux only, standard library only.
"""

import ctypes
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

PLACE = Path("/gcs")
NO_MOUNT = (
    "[emulator] this system allows no mount namespace: /gcs is not Cloud Storage here, as it is on Vertex AI."
    " Write below $GCSFUSE_ROOT instead, /gcs where that is not set.\n"
)
WROTE_THERE = (
    "[emulator] the job made /gcs on this machine, where nothing reads it: it counts as failed.\n"
)
NOT_FOUND_STATUS = 127
_NEWNS, _NEWUSER = 0x00020000, 0x10000000
_BIND, _REC, _PRIVATE, _UNBINDABLE = 0x1000, 0x4000, 1 << 18, 1 << 17
_DETACH = 2
_libc = ctypes.CDLL(None, use_errno=True)


def main(arguments: list[str]) -> None:
    """Mount and become the command; does not return."""
    folder, *command = arguments
    enter(Path(folder))
    try:
        os.execvp(command[0], command)  # noqa: S606 - the job's command, which is what a job is
    except OSError as error:
        sys.stderr.write(f"{command[0]}: {error}\n")
        sys.exit(NOT_FOUND_STATUS)


def wrapped(command: list[str], folder: Path) -> list[str]:
    """Return the command line that runs a command with `folder` at /gcs."""
    return [sys.executable, __file__, str(folder), *command]


@cache
def is_possible(folder: Path) -> bool:
    """Return whether this system lets a process have a mount namespace."""
    done = subprocess.run(wrapped(["true"], folder), capture_output=True, check=False, timeout=60)
    return done.returncode == 0


def enter(folder: Path) -> None:
    """Put `folder` at /gcs for this process and its children; raises OSError where that is forbidden."""
    workdir, user, group = Path.cwd(), os.geteuid(), os.getegid()
    # root has no need of a user namespace, in which it could not read the files of others
    _call("unshare", _NEWNS | (_NEWUSER if user else 0))
    if user:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
    _mount("none", Path("/"), _REC | _PRIVATE)
    root = folder.parent / "root"
    root.mkdir(exist_ok=True)
    _furnish(root, folder)
    _enter_root(root)
    os.chdir(workdir)


def _furnish(root: Path, folder: Path) -> None:
    """Make a root of everything in `/`, and `folder` as its /gcs."""
    _call("mount", b"none", bytes(root), b"tmpfs", 0, None)
    # or the machine's folder that holds this root would bring it along once more
    _mount("none", root, _UNBINDABLE)
    for each in Path("/").iterdir():
        place = root / each.name
        if each.is_symlink():
            place.symlink_to(each.readlink())
        elif each != PLACE:
            place.mkdir() if each.is_dir() else place.touch()
            _mount(str(each), place, _BIND | _REC)
    (root / PLACE.name).mkdir()
    _mount(str(folder), root / PLACE.name, _BIND)


def _enter_root(root: Path) -> None:
    """Make `root` the root of this namespace and let go of the old one."""
    os.chdir(root)
    _call("pivot_root", b".", b".")  # the old root then lies on top of the new one
    _call("umount2", b".", _DETACH)


def _mount(source: str, target: Path, flags: int) -> None:
    _call("mount", source.encode(), bytes(target), None, flags, None)


def _call(name: str, *arguments: int | bytes | None) -> None:
    if getattr(_libc, name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


if __name__ == "__main__":
    main(sys.argv[1:])

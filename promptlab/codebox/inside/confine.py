"""All layers of one process, from the moment it is forked until it may run what nobody has read."""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Collection

from promptlab.codebox.inside import kernel, landlock, limits, room, seccomp
from promptlab.codebox.inside.kernel import LayerMissing, told
from promptlab.codebox.inside.limits import Limits

_HIGHEST = 2**16  # no process of the box has ever had as many open files


def confine(bounds: Limits, own_bytes: int, keep: Collection[int], lifeline: int) -> None:
    """Confine this process for ever. Of its open files it keeps those in `keep`.

    `own_bytes` is the address space that an interpreter takes by itself. `lifeline` is the reading
    end of a pipe whose other end only the process that forked this one holds. Raise
    `LayerMissing` if a layer cannot be had.
    """
    room.own_folder()
    try:
        die_with_parent(lifeline)
    except OSError as error:
        raise LayerMissing("parent-death signal", told(error)) from None
    close_all_but(keep)
    try:
        limits.confine(bounds, own_bytes)
    except (OSError, ValueError) as error:
        raise LayerMissing("limits", told(error)) from None
    try:
        kernel.give_up_capabilities()
    except OSError as error:
        raise LayerMissing("capabilities", told(error)) from None
    landlock.confine("/", (room.FOLDER, room.DEVICES))
    seccomp.confine()


def die_with_parent(lifeline: int) -> None:
    """Have this process killed when its parent dies, also if that has happened already."""
    kernel.prctl("parent-death signal", kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
    poll = select.poll()
    poll.register(lifeline, select.POLLHUP)
    if poll.poll(0):
        os._exit(1)


def close_all_but(keep: Collection[int]) -> None:
    """Close every open file that is not named, and point the standard ones to nothing."""
    nothing = os.open("/dev/null", os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nothing, standard)
    low = 3
    for kept in sorted(keep):
        os.closerange(low, kept)
        low = kept + 1
    os.closerange(low, _HIGHEST)

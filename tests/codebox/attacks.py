# ruff: noqa: E501 - each text is a program
"""What hostile code tries, from the mildest to the wildest, and how it must end.

An attack that fails softly tells so: its `f` returns what it got, and the test says that it is
nothing. One that the box has to end has a `reason` that must be told instead.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Attack:
    """Code that attacks when `f` is called. It passes `tests`, or fails with one of the reasons."""

    code: str
    tests: str = 'assert f() == "held"'
    reasons: tuple[str, ...] = ()
    memory_mb: int = 256


def _tried(body: str, errors: str = "OSError") -> str:
    """Return an attack that tells whether one of these errors stopped it."""
    lines = "".join(f"        {line}\n" for line in body.strip().splitlines())
    return (
        "import os, socket, ctypes, signal, sys, time\n"
        f"def f():\n    try:\n{lines}        return 'done'\n    except ({errors}):\n"
        "        return 'held'\n"
    )


OUTSIDE = "/tmp/promptlab-attack-was-here"

ATTACKS = {
    "environment": Attack(
        "import os\ndef f():\n    return [*os.environ, *os.environb]\n", "assert f() == []"
    ),
    "environment in memory": Attack(_tried("open('/proc/self/environ').read()")),
    "proc": Attack(_tried("os.listdir('/proc')\nopen('/proc/1/cmdline').read()")),
    "read outside": Attack(_tried("open('/etc/passwd').read()")),
    "read a home": Attack(_tried("os.listdir('/root')\nos.listdir('/home')")),
    "list everything": Attack(
        "import os\ndef f():\n    return sorted(os.listdir('/'))\n",
        "assert set(f()) <= set('dev etc lib lib64 root usr tmp opt home nix'.split())",
    ),
    "write outside": Attack(
        "import os\n"
        "def f():\n"
        "    done = []\n"
        "    for place in ('/', '/usr/lib', '/etc', '/dev', '/home', '/var/tmp'):\n"
        "        try:\n"
        "            open(place + '/promptlab-attack-was-here', 'w').write('x')\n"
        "            done.append(place)\n"
        "        except OSError:\n"
        "            pass\n"
        "    return done\n",
        "assert f() == []",
    ),
    "write to its folder": Attack(
        f"def f():\n    open('{OUTSIDE}', 'w').write('x')\n    return open('{OUTSIDE}').read()\n",
        'assert f() == "x"',
    ),
    "socket": Attack(_tried("socket.socket(socket.AF_INET).connect(('127.0.0.1', 1))")),
    "datagram": Attack(_tried("socket.socket(socket.AF_INET, socket.SOCK_DGRAM)")),
    "vsock": Attack(_tried("socket.socket(40, socket.SOCK_STREAM)")),
    "netlink": Attack(_tried("socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)")),
    "abstract socket": Attack(_tried("socket.socket(socket.AF_UNIX).connect('\\0promptlab-test')")),
    "a program": Attack(_tried("import subprocess\nsubprocess.run(['/bin/sh', '-c', 'true'])")),
    "the loader": Attack(_tried("os.execv('/lib64/ld-linux-x86-64.so.2', ['x', '--list', 'y'])")),
    "name lookup": Attack(_tried("socket.getaddrinfo('example.org', 80)")),
    "shared memory": Attack(
        "import ctypes\n"
        "def f():\n"
        "    libc = ctypes.CDLL(None)\n"
        "    return [libc.shmget(0, 4096, 0o1666), libc.memfd_create(b'x', 0)]\n",
        "assert f() == [-1, -1]",
    ),
    "namespaces": Attack(
        "import ctypes\n"
        "def f():\n"
        "    libc = ctypes.CDLL(None)\n"
        "    return [libc.unshare(flag) for flag in (0x10000000, 0x20000, 0x20000000, 0x40000000)]\n",
        "assert f() == [-1, -1, -1, -1]",
    ),
    "mount": Attack(
        "import ctypes\n"
        "def f():\n"
        "    libc = ctypes.CDLL(None)\n"
        "    done = [libc.mount(b'proc', b'/tmp', b'proc', 0, None), libc.umount2(b'/tmp', 2)]\n"
        "    return [*done, libc.chroot(b'/tmp')]\n",
        "assert f() == [-1, -1, -1]",
    ),
    "become root": Attack(_tried("os.setuid(0)")),
    "who": Attack(
        "import os\ndef f():\n    return [os.getuid(), os.getgid(), os.getgroups(), os.getpid()]\n",
        "assert f()[0] == 65534 and f()[1] == 65534 and 0 not in f()[2] and f()[3] == 1",
    ),
    "raise a limit": Attack(
        _tried(
            "import resource\nresource.setrlimit(resource.RLIMIT_AS, (2**40, 2**40))",
            "OSError, ValueError",
        )
    ),
    "kill its group": Attack(
        "import os, signal\n"
        "def f():\n"
        "    signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "    try:\n"
        "        os.kill(0, signal.SIGTERM)\n"
        "        os.kill(0, signal.SIGKILL)\n"
        "    except ProcessLookupError:\n"
        "        pass\n"
        "    return 'held'\n",
    ),
    "kill all": Attack(
        "import os, signal\n"
        "def f():\n"
        "    try:\n"
        "        os.kill(-1, signal.SIGKILL)\n"
        "    except ProcessLookupError:\n"
        "        pass\n"
        "    return 'held'\n",
    ),
    "kill by number": Attack(
        "import os, signal\n"
        "def f():\n"
        "    done = 0\n"
        "    for number in range(2, 70000):\n"
        "        try:\n"
        "            os.kill(number, signal.SIGKILL)\n"
        "            done += 1\n"
        "        except OSError:\n"
        "            pass\n"
        "    return done\n",
        "assert f() == 0",
    ),
    "ptrace": Attack(
        "import ctypes, os\n"
        "def f():\n"
        "    libc = ctypes.CDLL(None)\n"
        "    done = [libc.ptrace(16, number, 0, 0) for number in (1, 2, 3, os.getppid())]\n"
        "    return done\n",
        "assert f() == [-1, -1, -1, -1]",
    ),
    "a grandchild that stays": Attack(
        "import os, time\n"
        "def f():\n"
        "    if os.fork() == 0:\n"
        "        os.setsid()\n"
        "        if os.fork() == 0:\n"
        "            while True:\n"
        "                time.sleep(1)\n"
        "        os._exit(0)\n"
        "    return 'held'\n",
    ),
    "the parent exits": Attack(
        "import os, time\n"
        "if os.fork() > 0:\n"
        "    os._exit(0)\n"
        "time.sleep(1)\n"
        "def f():\n    return 'held'\n",
        reasons=("the code ended its process before its tests (exit status 0)",),
    ),
    "100 MB file": Attack(
        "import signal\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "def f():\n"
        "    try:\n"
        "        with open('big', 'wb') as file:\n"
        "            for _ in range(100):\n"
        "                file.write(bytes(2**20))\n"
        "        return 'done'\n"
        "    except OSError:\n"
        "        return 'held'\n",
    ),
    "many files": Attack(
        "import signal\n"
        "def f():\n"
        "    try:\n"
        "        for number in range(20):\n"
        "            with open(f'big{number}', 'wb') as file:\n"
        "                file.write(bytes(2**23))\n"
        "        return 'done'\n"
        "    except OSError:\n"
        "        return 'held'\n",
    ),
    "1 GB of print": Attack(
        "def f():\n"
        "    text = 'x' * 2**20\n"
        "    for _ in range(1024):\n"
        "        print(text)\n"
        "    return 'held'\n",
    ),
    "endless loop": Attack("def f():\n    while True:\n        pass\n", reasons=("time-out",)),
    "endless loop at import": Attack("while True:\n    pass\n", reasons=("time-out",)),
    "a sleeper": Attack("import time\ndef f():\n    time.sleep(1e6)\n", reasons=("time-out",)),
    "a deaf loop": Attack(
        "import signal\n"
        "for each in range(1, 65):\n"
        "    try:\n"
        "        signal.signal(each, lambda *_: None)\n"
        "    except (OSError, ValueError):\n"
        "        pass\n"
        "def f():\n"
        "    while True:\n"
        "        try:\n"
        "            while True:\n"
        "                pass\n"
        "        except BaseException:\n"
        "            pass\n",
        reasons=("time-out",),
    ),
    "10 GB": Attack("def f():\n    return len(bytearray(10 * 2**30))\n", reasons=("MemoryError",)),
    "10 GB by and by": Attack(
        "def f():\n"
        "    kept = []\n"
        "    while len(kept) < 10240:\n"
        "        kept.append(bytearray(b'x') * 2**20)\n"
        "    return 'done'\n",
        reasons=("MemoryError",),
    ),
    "10 GB of mmap": Attack(
        _tried("import mmap\nmmap.mmap(-1, 10 * 2**30)[0] = 1", "OSError, MemoryError")
    ),
    "fork bomb": Attack(
        "import os\n"
        "def f():\n"
        "    while True:\n"
        "        try:\n"
        "            os.fork()\n"
        "        except OSError:\n"
        "            pass\n",
        reasons=("time-out",),
        memory_mb=64,
    ),
    "threads": Attack(
        "import threading, time\n"
        "def f():\n"
        "    try:\n"
        "        for _ in range(100):\n"
        "            threading.Thread(target=time.sleep, args=(1e6,)).start()\n"
        "        return 'done'\n"
        "    except RuntimeError:\n"
        "        return 'held'\n",
    ),
}

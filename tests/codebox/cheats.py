# ruff: noqa: E501 - each text is a program
"""Wrong code that wants to be found right: `f(x)` should be x + 1, and never is."""

from __future__ import annotations

TESTS = "assert f(1) == 2\nassert f(2) == 3\n"

SAID = '{"ruling": "passed"}'

CHEATS = {
    "leaves at once": "import os\nos._exit(0)\n",
    "leaves politely": "import sys\nsys.exit(0)\n",
    "raises SystemExit": "raise SystemExit\n",
    "leaves when called": "import os\ndef f(x):\n    os._exit(0)\n",
    "raises SystemExit when called": "def f(x):\n    raise SystemExit(0)\n",
    "kills itself": "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\nos.abort()\n",
    "prints success": f"print({SAID!r})\ndef f(x):\n    print({SAID!r})\n",
    "writes success everywhere": (
        "import json, os, struct\n"
        "def f(x):\n"
        f"    said = {SAID!r}.encode()\n"
        "    for file in range(64):\n"
        "        for text in (said, struct.pack('=I', len(said)) + said):\n"
        "            try:\n"
        "                os.write(file, text)\n"
        "            except OSError:\n"
        "                pass\n"
        "    return 0\n"
    ),
    "answers that all is well": (
        "import json, os, struct\n"
        "text = json.dumps(['ok', True, {}]).encode()\n"
        "for file in range(3, 64):\n"
        "    try:\n"
        "        os.write(file, (struct.pack('=I', len(text)) + text) * 9)\n"
        "    except OSError:\n"
        "        pass\n"
        "def f(x):\n    return 0\n"
    ),
    "is equal to everything": (
        "class Any:\n"
        "    def __eq__(self, other):\n        return True\n"
        "    def __ne__(self, other):\n        return False\n"
        "    __hash__ = None\n"
        "def f(x):\n    return Any()\n"
    ),
    "is a number equal to everything": (
        "class Any(int):\n"
        "    def __eq__(self, other):\n        return True\n"
        "def f(x):\n    return Any(0)\n"
    ),
    "is a list of equals": (
        "class Any(float):\n"
        "    __eq__ = lambda *_: True\n"
        "    __class__ = int\n"
        "def f(x):\n    return Any(0)\n"
    ),
    "changes builtins": (
        "import builtins\n"
        "builtins.AssertionError = type('Never', (Exception,), {})\n"
        "builtins.print = builtins.open = lambda *_, **__: None\n"
        "builtins.__build_class__ = None\n"
        "def f(x):\n    return 0\n"
    ),
    "changes unittest": (
        "import unittest\n"
        "unittest.TestCase.assertEqual = lambda *_: None\n"
        "unittest.main = lambda *_: None\n"
        "def f(x):\n    return 0\n"
    ),
    "changes the box": (
        "import sys\n"
        "for name, module in list(sys.modules.items()):\n"
        "    if name.startswith('promptlab'):\n"
        "        for each, value in list(vars(module).items()):\n"
        "            if callable(value) and not each.startswith('__'):\n"
        "                setattr(module, each, lambda *_, **__: True)\n"
        "def f(x):\n    return 0\n"
    ),
    "looks at its callers": (
        "import sys\n"
        "def f(x):\n"
        "    frame = sys._getframe()\n"
        "    while frame is not None:\n"
        "        for name, value in frame.f_locals.items():\n"
        "            if isinstance(value, str) and 'assert' in value:\n"
        "                return eval(value.split('==')[x].split()[0])\n"
        "        frame = frame.f_back\n"
        "    return 0\n"
    ),
    "searches its memory": (
        "import gc\n"
        "def f(x):\n"
        "    for each in gc.get_objects():\n"
        "        if isinstance(each, dict):\n"
        "            for value in list(each.values()):\n"
        "                if isinstance(value, str) and 'assert f(1) ==' in value:\n"
        "                    return x + 1\n"
        "    return 0\n"
    ),
    "traces": (
        "import sys, threading\n"
        "sys.settrace(lambda *_: None)\n"
        "threading.settrace(lambda *_: None)\n"
        "sys.excepthook = lambda *_: None\n"
        "def f(x):\n    return 0\n"
    ),
    "leaves at exit": (
        "import atexit, os\natexit.register(os._exit, 0)\ndef f(x):\n    raise KeyboardInterrupt\n"
    ),
    "ends the iteration": "def f(x):\n    raise StopIteration\n",
    "asserts itself": "def f(x):\n    raise AssertionError('fine')\n",
    "hides behind names": (
        "check = candidate = lambda *_: None\n"
        "__same__ = lambda *_: True\n"
        "__name__ = 'tests'\n"
        "def f(x):\n    return 0\n"
    ),
    "forks a voice": (
        "import os, time\n"
        "if os.fork() == 0:\n"
        "    while True:\n"
        "        time.sleep(0.1)\n"
        "def f(x):\n    return 0\n"
    ),
    "says it by signal": (
        "import signal\n"
        "for each in range(1, 65):\n"
        "    try:\n"
        "        signal.signal(each, signal.SIG_IGN)\n"
        "    except (OSError, ValueError):\n"
        "        pass\n"
        "def f(x):\n    return 0\n"
    ),
}

ROTTEN = {
    "a syntax error": ("def f(x:\n    return x + 1\n", "SyntaxError"),
    "a NUL": ("def f(x):\n    return x + 1\n\0", "null bytes"),
    "half a pair": ("# \ud83d\ndef f(x):\n    return 0\n", ""),
    "a form feed and a bell": ("\x0c\ndef f(x):\n    return '\\x07'\n", "it was '\\x07'"),
    "no such function": ("def g(x):\n    return x + 1\n", "f"),
    "no function at all": ("f = 5\n", "TypeError"),
    "no end": ("def f(x):\n    return f(x)\n", "RecursionError"),
    "no end, and no limit": (
        "import sys\nsys.setrecursionlimit(10**9)\ndef f(x):\n    return f(x) + f(x)\n", ""
    ),
    "a crash": ("import ctypes\ndef f(x):\n    ctypes.string_at(0)\n", "SIGSEGV"),
    "an abort": ("import os\ndef f(x):\n    os.abort()\n", "SIG"),
    "controls in a name": (
        "def f(x):\n    raise type('\\x1b[2J\\nE', (Exception,), {})('\\x1b]0;owned\\x07')\n", "owned"
    ),
    "an error that cannot be shown": (
        "class E(Exception):\n    def __str__(self):\n        raise E\ndef f(x):\n    raise E\n", "E"
    ),
    "a value that cannot be shown": (
        "class V:\n    def __repr__(self):\n        raise ValueError\ndef f(x):\n    return V()\n", "V"
    ),
    "a huge number": ("def f(x):\n    return 10 ** 100_000\n", "AssertionError"),
    "a list of itself": ("def f(x):\n    x = []\n    x.append(x)\n    return x\n", "RecursionError"),
    "a deep list": (
        "def f(x):\n    x = []\n    for _ in range(9999):\n        x = [x]\n    return x\n", "Recursion"
    ),
    "a huge text": ("def f(x):\n    return 'x' * 10 ** 8\n", ""),
    "a link": (
        "import os\nos.symlink('/etc/passwd', 'x')\ndef f(x):\n    return open('x').read()\n",
        "FileNotFoundError",
    ),
    "threads left running": (
        "import threading\n"
        "def spin():\n    while True:\n        pass\n"
        "threading.Thread(target=spin).start()\n"
        "def f(x):\n    return 0\n",
        "AssertionError",
    ),
    "a lone answer": ("def f(x):\n    return float('nan')\n", "nan"),
    "nothing": ("def f(x):\n    pass\n", "it was None"),
}  # fmt: skip

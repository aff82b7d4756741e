"""Carries out attacks and prints as JSON how each ended: `python attack.py NAME ...`."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import sys
from pathlib import Path

from promptlab.codebox import box


def attacked(names: list[str]) -> dict[str, list[object]]:
    """Return what came of attacks by name: whether they passed, and the reason."""
    file = Path(__file__).with_name("attacks.py")
    spec = importlib.util.spec_from_file_location("attacks_alone", file)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules["attacks_alone"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    async def all_of_them() -> dict[str, list[object]]:
        found: dict[str, list[object]] = {}
        for name in names:
            attack = module.ATTACKS[name]
            job = box.Job(attack.code, attack.tests, "f", timeout_s=2, memory_mb=attack.memory_mb)
            ruling = await box.run(job)
            found[name] = [ruling.passed, ruling.reason]
        return found

    return asyncio.run(all_of_them())


if __name__ == "__main__":
    try:
        told = {"user": os.getuid(), "found": attacked(sys.argv[1:])}
    except box.Refused as refused:
        told = {"refused": refused.layer, "why": refused.why}
    sys.stdout.write(json.dumps(told))

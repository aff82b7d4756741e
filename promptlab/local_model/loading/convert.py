"""Convert a GGUF file into a folder of safetensors in the cache, once.

transformers takes about 20 s to read a GGUF at every start; the copy loads in a fraction of a
second and gives the same answers. The folder gets its final name in one rename, once all of it is
on disk, so a killed conversion leaves only a draft, which the next one removes. `convert_process`
runs this module as a program.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from filelock import FileLock, Timeout
from safetensors import SafetensorError
from transformers import AutoModelForCausalLM

from promptlab.core.digest import digest_file
from promptlab.core.errors import BackendError
from promptlab.local_model.files.cache import MANIFEST, Cache, Manifest
from promptlab.local_model.files.convert_process import Failure, Order
from promptlab.local_model.loading.gguf_header import read_header
from promptlab.local_model.loading.loading import load_model
from promptlab.local_model.loading.tokenizer import load_tokenizer

_PATIENCE_S = 600.0  # another process may be converting a large model


def convert(order: Order) -> Path:
    """Return the folder of the converted model, converting it now if needed."""
    cache = Cache(order.cache)
    target = cache.place(order.source)
    try:
        cache.models.mkdir(parents=True, exist_ok=True)
        with FileLock(target.with_suffix(".lock"), timeout=_PATIENCE_S):
            if (found := cache.converted(order.source)) is not None:
                return found
            made = _make(order, target)
            shutil.rmtree(cache.former(order.source), ignore_errors=True)  # it has no use now
            return made
    except Timeout as error:
        raise BackendError(
            f"another process has been converting {order.gguf.name} for 10 minutes",
            hint=f"stop it, or remove {error.lock_file}",
        ) from error
    except (OSError, SafetensorError) as error:
        raise BackendError(
            f"cannot write the converted model to {cache.folder}: {error}",
            hint="free some disk space, or set PROMPTLAB_CACHE to another folder",
        ) from error


def main(argument: str) -> int:
    """Carry out an order given as JSON; report a failure as JSON on stdout."""
    try:
        convert(Order.model_validate_json(argument))
    except BackendError as error:
        failure = Failure(message=error.message, hint=error.hint)
        sys.stdout.write(failure.model_dump_json())
        return 1
    return 0


def _make(order: Order, target: Path) -> Path:
    draft = target.with_suffix(".draft")
    for leftover in (draft, target):  # of a killed conversion, or damaged; we hold the lock
        shutil.rmtree(leftover, ignore_errors=True)
    try:
        _write_model(order.gguf, draft)
        files = {path.name: digest_file(path) for path in sorted(draft.iterdir())}
        manifest = Manifest(model=order.model, source=order.source, files=files)
        (draft / MANIFEST).write_text(manifest.model_dump_json(indent=1), encoding="utf-8")
        _flush(draft)
        draft.rename(target)
        _flush_folder(target.parent)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return target


def _write_model(gguf: Path, folder: Path) -> None:
    """Write the weights as plain floats.

    transformers considers a model that it read from a GGUF quantized and refuses to save it,
    although its weights are floats by then. So they are put into a new model without that mark.
    """
    tokenizer = load_tokenizer(gguf)
    source = load_model(gguf, "float32", "cpu")
    header = read_header(gguf)
    settings = source.config.to_dict()
    settings.pop("quantization_config", None)
    plain = AutoModelForCausalLM.from_config(type(source.config)(**settings), dtype=source.dtype)
    plain.load_state_dict(source.state_dict())
    plain.generation_config = source.generation_config
    plain.generation_config.eos_token_id = list(header.ends) or None
    plain.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def _flush(folder: Path) -> None:
    for path in folder.iterdir():
        with path.open("rb") as file:
            os.fsync(file.fileno())
    _flush_folder(folder)


def _flush_folder(folder: Path) -> None:
    if os.name != "posix":  # elsewhere a folder cannot be opened, and a rename is durable
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1]))

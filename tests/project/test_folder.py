from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from promptlab.core.errors import PromptlabError
from promptlab.project.folder import BackendEntry, Project, find_project

Write = Callable[[str, str], Path]


def mistake(action: Callable[[], object]) -> str:
    with pytest.raises(PromptlabError) as caught:
        action()
    return str(caught.value)


def test_the_nearest_parent_with_both_folders_is_the_project(project: Path) -> None:
    inner = project / "suites" / "inner"
    (inner / "templates").mkdir(parents=True)
    (inner / "deep").mkdir()
    assert find_project(inner / "deep").root == project  # inner has no suites/
    (inner / "suites").mkdir()
    nearest = find_project(inner / "deep")
    assert nearest.root == inner
    assert (nearest.templates, nearest.suites) == (inner / "templates", inner / "suites")


def test_a_missing_project_is_reported(tmp_path: Path) -> None:
    assert mistake(lambda: find_project(tmp_path)) == (
        f"no project at {tmp_path} or above: no folder has both templates/ and suites/ "
        "(run `promptlab init` there, or name the folder with --project DIR)"
    )


def test_backends_are_read_from_pyproject(project: Path, write: Write) -> None:
    write(
        "pyproject.toml",
        '[project]\nname = "x"\n[tool.promptlab.backends.small]\nkind = "hf"\n'
        'model = "owner/name"\nbatch_size = 4\n',
    )
    assert find_project(project).backend("small") == BackendEntry(
        "small", "hf", "owner/name", {"batch_size": 4},
        "pyproject.toml: tool.promptlab.backends.small",
    )  # fmt: skip


def test_promptlab_toml_goes_before_pyproject(project: Path, write: Write) -> None:
    write("pyproject.toml", '[tool.promptlab.backends]\na.kind = "echo"\nb.kind = "echo"\n')
    write("promptlab.toml", '[backends.a]\nkind = "hf"\n')
    backends = find_project(project).backends
    assert {name: entry.kind for name, entry in backends.items()} == {"a": "hf", "b": "echo"}
    assert backends["a"].where == "promptlab.toml: backends.a"


@pytest.mark.parametrize(
    ("name", "kind", "model", "options"),
    [
        ("echo", "echo", None, {}),
        ("echo:loud", "echo", "loud", {}),
        ("hf:HuggingFaceTB/SmolLM2-135M-Instruct", "hf", "HuggingFaceTB/SmolLM2-135M-Instruct", {}),
        ("ollama:llama3:8b", "ollama", "llama3:8b", {}),
        ("openai:m@http://127.0.0.1:8000/v1", "openai", "m", {"base_url": "http://127.0.0.1:8000/v1"}),
        ("openai:m@https://example.org/v1", "openai", "m", {"base_url": "https://example.org/v1"}),
        ("openai:m@HTTP://127.0.0.1:8000/v1", "openai", "m", {"base_url": "http://127.0.0.1:8000/v1"}),
        ("openai:@cf/meta/llama", "openai", "@cf/meta/llama", {}),
        ("openai:workers-ai/@cf/meta/llama", "openai", "workers-ai/@cf/meta/llama", {}),
        ("openai:@cf/meta/llama@https://h/v1", "openai", "@cf/meta/llama", {"base_url": "https://h/v1"}),
        ("gemini:m@20240620", "gemini", "m@20240620", {}),
        ("gemini:m@001", "gemini", "m@001", {}),
        ("gemini:m@v1.2", "gemini", "m@v1.2", {}),
        ("ollama:m@sha256:" + "0a" * 32, "ollama", "m@sha256:" + "0a" * 32, {}),
        ("hf:owner/name@main", "hf", "owner/name@main", {}),
        ("hf:", "hf", None, {}),
    ],
)  # fmt: skip
def test_a_backend_is_written_inline(
    project: Path, name: str, kind: str, model: str | None, options: dict[str, object]
) -> None:
    entry = Project(project, {}).backend(name)
    assert entry == BackendEntry(name, kind, model, options, f"backend {name!r}")


@pytest.mark.parametrize("kind", ["openai", "anthropic", "gemini", "ollama", "hf", "echo"])
@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1:8000/v1",
        "127.0.0.1",
        "localhost",
        "localhost/v1",
        "my-box:8000",
        "my-box/v1",
        "[::1]:8000/v1",
        "//my-box/v1",
        ":8000/v1",
        "api.example.com",
        "bücher.example/v1",
        "ftp://my-box/v1",
        "unix:///run/model.sock",
        "my-box:8000?x=1",
    ],
)
def test_half_an_address_is_refused(project: Path, kind: str, address: str) -> None:
    said = mistake(lambda: Project(project, {}).backend(f"{kind}:m@{address}"))
    assert said.startswith(f"backend '{kind}:m@...': what follows the @ ")
    assert "write @http://" in said


def test_a_password_before_half_an_address_is_not_shown(project: Path) -> None:
    said = mistake(lambda: Project(project, {}).backend("openai:m@ada:pass-word@my-box:8000/v1"))
    assert "'my-box:8000/v1'" in said
    assert "pass-word" not in said


def test_a_folder_may_look_like_an_address(project: Path, write: Write) -> None:
    write("tuned@my-box/model/config.json", "{}")
    entry = Project(project, {}).backend("hf:tuned@my-box/model")
    assert (entry.model, entry.options) == ("tuned@my-box/model", {})


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("smol", "unknown backend 'smol' (did you mean 'smollm2'?)"),
        ("zzz", "unknown backend 'zzz' (known: echo, kind:model, smollm2)"),
        (":m", "unknown backend ':m' (known: echo, kind:model, smollm2)"),
    ],
)
def test_an_unknown_backend_is_reported(project: Path, name: str, message: str) -> None:
    entry = BackendEntry("smollm2", "hf", None, {}, "")
    assert mistake(lambda: Project(project, {"smollm2": entry}).backend(name)) == message


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("pyproject.toml", 'a = 1\nb = "x\n', "pyproject.toml:2: bad TOML: illegal character"),
        ("promptlab.toml", "a = 1\na = 2\n", "promptlab.toml:2: bad TOML: cannot overwrite a valu"),
        ("promptlab.toml", "a = [", "promptlab.toml: bad TOML: invalid value (check quotes and br"),
        ("promptlab.toml", "a = " + "[" * 9000, "promptlab.toml: bad TOML: nested too deeply"),
        ("promptlab.toml", "[backend.x]\n",
         "promptlab.toml: backend: unknown key 'backend' (did you mean 'backends'?)"),
        ("pyproject.toml", "[tool.promptlab]\nbackend = 1\n",
         "pyproject.toml: tool.promptlab.backend: unknown key 'backend' (did you mean 'backends'?"),
        ("pyproject.toml", "tool = 3\n", "pyproject.toml: tool.promptlab.backends: expected a tab"),
        ("pyproject.toml", "[tool]\npromptlab = 3\n",
         "pyproject.toml: tool.promptlab.backends: expected a table (write [tool.promptlab.backen"),
        ("promptlab.toml", "backends = []\n", "promptlab.toml: backends: expected a table (write "),
        ("promptlab.toml", "[backends]\nx = 1\n",
         'promptlab.toml: backends.x: a backend needs a kind (for example kind = "hf" or "echo"'),
        ("promptlab.toml", "[backends.x]\nmodel = 'm'\n", "promptlab.toml: backends.x: a backend "),
        ("promptlab.toml", "[backends.x]\nkind = 'hf'\nmodel = 3\n",
         'promptlab.toml: backends.x: the model must be text (model = "owner/name")'),
    ],
)  # fmt: skip
def test_mistakes_are_reported_with_file_and_key(
    project: Path, write: Write, file: str, text: str, message: str
) -> None:
    write(file, text)
    error = mistake(lambda: find_project(project))
    assert error.startswith(message)
    assert "\n" not in error


def test_a_config_file_that_is_not_utf8_is_reported(project: Path) -> None:
    (project / "pyproject.toml").write_bytes(b"# caf\xe9\n")
    assert mistake(lambda: find_project(project)).startswith("pyproject.toml: not UTF-8")

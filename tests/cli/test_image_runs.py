"""Templates that show images, from suite to screen, in the format of every vendor."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from promptlab.cases.images import MAX_BYTES

from .conftest import Promptlab, Ran, edit, query

if TYPE_CHECKING:
    from tests.remote.vendor_server import VendorServer

BACKENDS = """\
[backends.chat]
kind = "openai"
model = "some-model"
base_url = "{url}/v1"

[backends.responses]
kind = "openai"
model = "some-model"
base_url = "{url}/v1"
api = "responses"

[backends.anthropic]
kind = "anthropic"
model = "some-model"
base_url = "{url}"

[backends.gemini]
kind = "gemini"
model = "some-model"
base_url = "{url}/v1beta"

[backends.ollama]
kind = "ollama"
model = "some-model"
base_url = "{url}"

[backends.blind]
kind = "openai"
model = "some-model"
base_url = "{url}/v1"
images = false

[backends.local]
kind = "hf"
model = "weights"
"""
SEEING = ("chat", "responses", "anthropic", "gemini", "ollama")
SUITE = """\
templates: [colour]
backends: [chat]
cases: data/photos.jsonl
scorers: [exact_match]
"""
ALL_RIGHT = ("--gate", "exact_match >= 1")
PHOTOS = {
    "red.png": ("red", 2, 3, "image/png"),
    "green.JPG": ("green", 8, 1, "image/jpeg"),
    "blue.gif": ("blue", 1, 1, "image/gif"),
    "more/white.webp": ("white", 5, 4, "image/webp"),
}

Photo = Callable[[str, bytes, str], None]


@pytest.fixture
def photo(project: Path, vendor_server: VendorServer) -> Photo:
    """Return a function that writes a case whose photo is a file of that content."""
    lines: list[str] = []

    def write(name: str, content: bytes, expect: str) -> None:
        path = project / "suites/data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        case = {"id": name.replace("/", "-"), "photo": name, "expect": expect}
        lines.append(json.dumps(case))
        (project / "suites/data/photos.jsonl").write_text("\n".join(lines), encoding="utf-8")

    return write


@pytest.fixture
def album(project: Path, vendor_server: VendorServer, photo: Photo) -> Path:
    """Return a project with a case for each kind of image, and all vendors as backends."""
    toml = project / "promptlab.toml"
    toml.write_text(BACKENDS.format(url=vendor_server.url), encoding="utf-8")
    for name in ("weights/config.json", "weights/model.safetensors"):
        (project / name).parent.mkdir(exist_ok=True)
        (project / name).write_text("{}", encoding="utf-8")
    ask(project, "What colour is {{ image(photo) }}?")
    (project / "suites/colour.yaml").write_text(SUITE, encoding="utf-8")
    for name, drawn in PHOTOS.items():
        colour, width, height, _ = drawn
        photo(name, vendor_server.draw(*drawn), f"{colour} {width}x{height}")
    return project


def ask(project: Path, text: str) -> None:
    """Make the template say a text to the model."""
    path = project / "templates/colour/v1.j2"
    path.parent.mkdir(exist_ok=True)
    path.write_text("{% user %}" + text + "{% enduser %}", encoding="utf-8")


def refused(ran: Ran) -> str:
    """Return the one line that a run was refused with."""
    assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1)
    return ran.err


def turns(promptlab: Promptlab, case: str) -> list[dict[str, Any]]:
    """Return the conversation of a case, as `show` tells it."""
    row, *_ = json.loads(promptlab("show", "--case", case, "--full", "--json").out)["results"]
    conversation: list[dict[str, Any]] = row["turns"]
    return conversation


@pytest.mark.parametrize("backend", SEEING)
def test_every_vendor_sees_every_kind_of_image(
    album: Path, vendor_server: VendorServer, promptlab: Promptlab, backend: str
) -> None:
    ran = promptlab("run", "colour", "-b", backend, "--json")
    assert (ran.code, ran.err) == (0, "")
    [arm] = json.loads(ran.out)["arms"]
    assert arm["outcomes"]["ok"] == arm["scores"][0]["n"] == 4
    assert arm["scores"][0]["mean"] == 1.0
    shown = {"[red 2x3]", "[green 8x1]", "[blue 1x1]", "[white 5x4]"}
    assert {parts[1] for parts in vendor_server.parts} == shown
    again = promptlab("run", "colour", "-b", backend)
    assert "no model call was made" in again.out
    assert len(vendor_server.calls) == 4


@pytest.mark.parametrize("backend", SEEING)
def test_images_stand_where_the_template_puts_them(
    album: Path, vendor_server: VendorServer, photo: Photo, promptlab: Promptlab, backend: str
) -> None:
    ask(album, "Compare {{ image(photo) }} with {{ image('red.png') }}, please.")
    photo("more.png", vendor_server.draw("black", 7, 7), "black 7x7, red 2x3")
    ran = promptlab("run", "colour", "-b", backend, "--case", "more.png", *ALL_RIGHT)
    assert ran.code == 0
    [parts] = vendor_server.parts
    if backend == "ollama":  # which keeps text and images apart
        assert parts == ("Compare  with , please.", "[black 7x7]", "[red 2x3]")
    else:
        reported = [part.strip() for part in parts]
        assert reported == ["Compare", "[black 7x7]", "with", "[red 2x3]", ", please."]


@pytest.mark.slow
def test_all_vendors_in_one_run(
    album: Path, vendor_server: VendorServer, promptlab: Promptlab
) -> None:
    words = [word for name in SEEING for word in ("-b", name)]
    assert promptlab("run", "colour", *words, *ALL_RIGHT).code == 0
    assert len(vendor_server.calls) == 20
    assert query(album, "SELECT count(*) FROM generations") == [(20,)]


def test_a_conversation_names_its_images(album: Path, promptlab: Promptlab) -> None:
    assert promptlab("run", "colour").code == 0
    shown = promptlab("show", "--case", "red.png", "--full").out
    assert "user\n  What colour is" in shown
    assert "\n  [image red.png]" in shown
    [turn] = turns(promptlab, "more-white.webp")
    [message] = turn["messages"]
    before, image, after = message["content"]
    assert (message["role"], before.strip(), after.strip()) == ("user", "What colour is", "?")
    assert (image["image"], image["media_type"]) == ("more/white.webp", "image/webp")
    assert image["digest"].startswith("b2:")
    assert turn["output"] == "white 5x4"


@pytest.mark.slow
def test_another_content_is_another_request(
    album: Path, vendor_server: VendorServer, promptlab: Promptlab
) -> None:
    assert promptlab("run", "colour").code == 0
    (album / "suites/data/red.png").write_bytes(vendor_server.draw("yellow", 2, 3))
    ran = promptlab("run", "colour", "--json")
    assert json.loads(ran.out)["calls"] == 1
    assert vendor_server.parts[-1][1] == "[yellow 2x3]"
    assert [turn["output"] for turn in turns(promptlab, "red.png")] == ["yellow 2x3"]
    edit(album / "suites/data/photos.jsonl", "red.png", "rot.png")  # a name is no content
    (album / "suites/data/rot.png").write_bytes(vendor_server.draw("red", 2, 3))
    assert json.loads(promptlab("run", "colour", "--json").out)["calls"] == 0


@pytest.mark.slow
def test_a_project_can_be_moved(
    album: Path,
    vendor_server: VendorServer,
    promptlab: Promptlab,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stopped = promptlab("run", "colour", "--max-calls", "1", "-j", "1")
    assert (stopped.code, len(vendor_server.calls)) == (4, 1)
    elsewhere = album.parent / "somewhere/else"
    monkeypatch.chdir(album.parent)
    elsewhere.parent.mkdir()
    shutil.move(album, elsewhere)
    monkeypatch.chdir(elsewhere)
    assert promptlab("resume", "--max-calls", "99").code == 0
    assert len(vendor_server.calls) == 4
    assert "no model call was made" in promptlab("run", "colour", *ALL_RIGHT).out


def test_an_image_that_the_server_cannot_read_fails_its_own_trial(
    album: Path, vendor_server: VendorServer, promptlab: Promptlab
) -> None:
    broken = vendor_server.draw("red", 2, 3)[:-20]
    (album / "suites/data/red.png").write_bytes(broken)
    ran = promptlab("run", "colour")
    assert ran.code == 4
    text = promptlab("show", "--errors").out
    assert "HTTP 400: could not process image: a broken image/png" in " ".join(text.split())
    assert len(vendor_server.calls) == 3


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("gone.png", None,
         "cannot read the image 'gone.png': no such file, in case 'gone.png'"
         " (paths start from the folder of the cases)"),
        ("scan.tiff", b"II*\0",
         "'scan.tiff' is not named like an image that models can read, in case 'scan.tiff'"
         " (its name must end in .png, .jpg, .jpeg, .gif, .webp)"),
        ("text.png", b"<html>not found</html>",
         "the file 'text.png' is not an image that models can read, in case 'text.png'"
         " (save it as PNG, JPEG, GIF or WebP)"),
        ("photo.png", b"\xff\xd8\xff\xe0 a photo",
         "the image 'photo.png' is image/jpeg, not image/png as its name says,"
         " in case 'photo.png' (rename it: photo.jpg)"),
    ],
)  # fmt: skip
def test_an_image_that_cannot_be_sent_costs_no_call(
    album: Path,
    vendor_server: VendorServer,
    photo: Photo,
    promptlab: Promptlab,
    name: str,
    content: bytes | None,
    expected: str,
) -> None:
    photo(name, content or b"", "")
    if content is None:
        (album / "suites/data" / name).unlink()
    for more in ((), ("--dry-run",)):
        assert refused(promptlab("run", "colour", *more)) == (
            f"Error: templates/colour/v1.j2:1: {expected}\n"
        )
    assert vendor_server.paths == []


def test_an_image_that_is_too_large_costs_no_call(
    album: Path, vendor_server: VendorServer, photo: Photo, promptlab: Promptlab
) -> None:
    photo("large.png", vendor_server.draw("red", 1, 1), "")
    os.truncate(album / "suites/data/large.png", MAX_BYTES + 1)
    message = refused(promptlab("run", "colour"))
    assert "the file is larger than 20 MB, in case 'large.png' (save it smaller)" in message
    assert vendor_server.paths == []


@pytest.mark.parametrize("backend", SEEING[:-1])
def test_an_address_is_passed_on(
    album: Path, vendor_server: VendorServer, promptlab: Promptlab, backend: str
) -> None:
    address = "https://example.org/a/photo.png?size=2"
    ask(album, "What is {{ image('" + address + "') }}?")
    assert promptlab("run", "colour", "-b", backend, "-n", "1").code == 0
    assert [parts[1] for parts in vendor_server.parts] == [f"[{address}]"]
    shown = promptlab("show", "--full").out
    assert f"\n  [image {address}]" in shown


def test_ollama_is_given_no_address(
    album: Path, vendor_server: VendorServer, promptlab: Promptlab
) -> None:
    ask(album, "What is {{ image('https://example.org/photo.png') }}?")
    assert promptlab("run", "colour", "-b", "ollama", "-n", "1").code == 4
    text = " ".join(promptlab("show", "--errors").out.split())
    assert "Ollama does not fetch images, and 'https://example.org/photo.png' is a URL" in text
    assert "save the image beside the cases" in text
    assert vendor_server.calls == []


@pytest.mark.parametrize("backend", ["blind", "local"])
@pytest.mark.parametrize("more", [(), ("--dry-run",)])
def test_a_model_that_reads_text_alone_is_not_asked(
    album: Path,
    vendor_server: VendorServer,
    promptlab: Promptlab,
    backend: str,
    more: tuple[str, ...],
) -> None:
    assert refused(promptlab("run", "colour", "-b", "chat", "-b", backend, *more)) == (
        f"Error: colour@v1 shows an image in case 'red.png', which backend '{backend}' cannot read"
        " (choose a backend that reads images)\n"
    )
    assert vendor_server.paths == []


def test_ollama_reports_a_model_that_reads_text_alone(
    album: Path, vendor_server: VendorServer, promptlab: Promptlab
) -> None:
    vendor_server.capabilities = ["completion"]
    ran = promptlab("run", "colour", "-b", "ollama")
    assert (ran.code, ran.out) == (2, "")
    stopped, message = ran.err.splitlines()
    assert stopped.startswith("stopped: 0 of 4 trials are stored; finish with: promptlab resume")
    assert message == (
        "Error: the model 'some-model' does not read images"
        " (choose one with vision: `ollama show some-model` lists its capabilities)"
    )
    assert set(vendor_server.paths) == {"/api/show", "/api/tags"}
    assert vendor_server.calls == []


def test_an_older_ollama_server_is_taken_to_see(
    album: Path, vendor_server: VendorServer, promptlab: Promptlab
) -> None:
    vendor_server.capabilities = None
    assert promptlab("run", "colour", "-b", "ollama", *ALL_RIGHT).code == 0


def test_a_prompt_without_images_goes_to_any_model(
    album: Path, vendor_server: VendorServer, promptlab: Promptlab
) -> None:
    vendor_server.capabilities = ["completion"]
    ask(album, "Is {{ photo }} a good name?")
    assert promptlab("run", "colour", "-b", "ollama", "-b", "blind").code == 0
    assert len(vendor_server.calls) == 8

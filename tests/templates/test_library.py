from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptlab.core.errors import PromptlabError
from promptlab.templates.library import TemplateLibrary
from promptlab.templates.references import natural_key
from promptlab.templates.template import Template

Write = Callable[[str, str], Path]


@pytest.fixture
def library(project: Path) -> TemplateLibrary:
    return TemplateLibrary(project / "templates")


def mistake(action: Callable[[], object]) -> str:
    with pytest.raises(PromptlabError) as caught:
        action()
    return str(caught.value)


@pytest.fixture
def versions(write: Write) -> None:
    for version in ("v1", "v2", "v9", "v10"):
        write(f"templates/mood/{version}.j2", version)
    write("templates/mood/aliases.yaml", "best: v2\nlatest-good: v9\n")
    write("templates/_shared/rules.j2", "Be kind.")
    write("templates/.hidden/v1.j2", "x")
    (write("templates/empty/x.j2", "").unlink())


@pytest.mark.usefixtures("versions")
def test_templates_and_versions_are_listed_in_natural_order(library: TemplateLibrary) -> None:
    assert library.names() == ["mood"]
    assert library.versions("mood") == ["v1", "v2", "v9", "v10"]
    assert library.aliases("mood") == {"best": "v2", "latest-good": "v9"}


@pytest.mark.usefixtures("versions")
@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("mood", ["v10"]),
        ("mood@v2", ["v2"]),
        ("mood@v2..v9", ["v2", "v9"]),
        ("mood@v9..v10", ["v9", "v10"]),
        ("mood@v9..v9", ["v9"]),
        ("mood@best..latest-good", ["v2", "v9"]),
        ("mood@*", ["v1", "v2", "v9", "v10"]),
        ("mood@best", ["v2"]),
    ],
)
def test_a_reference_names_versions(
    library: TemplateLibrary, reference: str, expected: list[str]
) -> None:
    assert library.resolve(reference) == [("mood", version) for version in expected]


@pytest.mark.usefixtures("versions")
@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("moood", "unknown template or version 'moood' (did you mean 'mood'?)"),
        (
            "zzz",
            "unknown template or version 'zzz' (known: best, latest-good, mood, v1, v10, v2, v9)",
        ),
        ("mood@v3", "unknown version 'v3' of mood (known: best, latest-good, v1, v10, v2, v9)"),
        ("mood@bets", "unknown version 'bets' of mood (did you mean 'best'?)"),
        ("mood@", "unknown version '' of mood"),
        ("mood@v1..v3", "unknown version 'v3' of mood"),
        ("mood@v9..v2", "the range 'mood@v9..v2' is empty (write mood@v2..v9)"),
        ("../mood", "unknown template or version '../mood'"),
    ],
)
def test_a_reference_to_nothing_is_reported(
    library: TemplateLibrary, reference: str, message: str
) -> None:
    assert mistake(lambda: library.resolve(reference)).startswith(message)


@pytest.mark.parametrize(
    ("aliases", "message"),
    [
        ("best: v3", ":1: best: unknown version 'v3' of mood (known: v1)"),
        ("ok: v1\nbest: 3", ":2: best: unknown version '3' of mood"),
        ("- best", ":1: expected `alias: version` lines (for example best: v3)"),
        ("a: 1: 2", ":1: bad YAML"),
    ],
)
def test_wrong_aliases_are_reported(
    library: TemplateLibrary, write: Write, aliases: str, message: str
) -> None:
    write("templates/mood/v1.j2", "x")
    write("templates/mood/aliases.yaml", aliases)
    error = mistake(lambda: library.resolve("mood@best"))
    assert error.startswith(f"templates/mood/aliases.yaml{message}")


def test_an_empty_file_of_aliases_has_none(library: TemplateLibrary, write: Write) -> None:
    write("templates/mood/v1.j2", "x")
    write("templates/mood/aliases.yaml", "")
    assert library.aliases("mood") == {}


def test_any_file_name_has_a_natural_order() -> None:
    assert sorted(["v10", "v9", "v²", "v1a", "v1", "a", "1"], key=natural_key) == [
        "1", "a", "v1", "v1a", "v9", "v10", "v²",
    ]  # fmt: skip


@given(st.lists(st.text()))
def test_the_natural_order_is_total(names: list[str]) -> None:
    backwards = names[::-1]
    assert sorted(names, key=natural_key) == sorted(backwards, key=natural_key)


def test_the_digest_covers_the_whole_closure_of_includes(
    library: TemplateLibrary, write: Write
) -> None:
    write("templates/mood/v1.j2", '---\nnotes: x\n---\nA {% include "_s/one.j2" %}')
    write("templates/_s/one.j2", 'B {% include "_s/two.j2" %}{% include "_s/two.j2" %}')
    write("templates/_s/two.j2", '{% import "_s/three.j2" as m %}{{ m.c() }}')
    write("templates/_s/three.j2", "{% macro c() %}C{% endmacro %}")
    write("templates/_s/other.j2", "unused")
    source = library.read("mood", "v1")
    assert list(source.includes) == ["_s/one.j2", "_s/three.j2", "_s/two.j2"]
    call = library.load("mood", "v1").render({})
    assert call is not None
    assert call.messages[0].text == "A B CC"

    digests = {source.digest}
    write("templates/_s/other.j2", "still unused")
    assert library.read("mood", "v1").digest in digests
    for changed in ("mood/v1.j2", "_s/one.j2", "_s/two.j2", "_s/three.j2"):
        write(f"templates/{changed}", (library.folder / changed).read_text() + " ")
        digests.add(library.read("mood", "v1").digest)
    assert len(digests) == 5


@pytest.mark.parametrize("tag", ["include '{}'", "import '{}' as m", "extends '{}'"])
@pytest.mark.parametrize("name", ["_s/link.j2", "_s/linked/away.j2"])
def test_no_link_leads_out_of_the_templates(
    library: TemplateLibrary, write: Write, project: Path, tag: str, name: str
) -> None:
    away = write("away.j2", "secret")
    write("templates/_s/here.j2", "hello")
    folder = project / "templates" / "_s"
    (folder / "link.j2").symlink_to(away)
    (folder / "linked").symlink_to(project)
    (folder / "within.j2").symlink_to("here.j2")
    write("templates/mood/v1.j2", f"{{% {tag.format(name)} %}}x")
    with pytest.raises(PromptlabError, match="it is outside templates/"):
        library.load("mood", "v1")
    write("templates/mood/v1.j2", "{% include '_s/within.j2' %}x")
    call = library.load("mood", "v1").render({})
    assert call is not None
    assert call.messages[0].text == "hellox"


def test_a_long_chain_of_includes_is_refused(library: TemplateLibrary, write: Write) -> None:
    for place in range(60):
        write(f"templates/_s/{place}.j2", f"{{% include '_s/{place + 1}.j2' %}}")
    write("templates/_s/60.j2", "end")
    write("templates/mood/v1.j2", "{% include '_s/30.j2' %}")
    call = library.load("mood", "v1").render({})
    assert call is not None
    assert call.messages[0].text == "end"
    write("templates/mood/v1.j2", "{% include '_s/0.j2' %}")
    assert mistake(lambda: library.load("mood", "v1")).startswith(
        "templates/_s/49.j2:1: includes are nested more than 50 deep"
    )


def test_a_version_extends_another_file(library: TemplateLibrary, write: Write) -> None:
    write("templates/_s/base.j2", "{% user %}{% block ask %}{% endblock %}{% enduser %}")
    write("templates/mood/v1.j2", '{% extends "_s/base.j2" %}{% block ask %}Q{% endblock %}')
    call = library.load("mood", "v1").render({})
    assert call is not None
    assert [(m.role, m.content) for m in call.messages] == [("user", "Q")]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("\n{% include '_s/no.j2' %}",
         "mood/v1.j2:2: cannot include '_s/no.j2': there is no file templates/_s/no.j2 (paths "),
        ("{% include '_s' %}", "mood/v1.j2:1: cannot include '_s': there is no file templates/_s"),
        ("{% include '../x.j2' %}", "mood/v1.j2:1: cannot include '../x.j2': it is outside"),
        ("{% include '/x.j2' %}", "mood/v1.j2:1: cannot include '/x.j2': it is outside"),
        ("\n\n{% include name %}",
         'mood/v1.j2:3: an include names its file with an expression (only literal names can be v'),
        ("{% include 'a' if x else 'b' %}", "mood/v1.j2:1: an include names its file with an"),
        ("{% include 3 %}", "mood/v1.j2:1: an include names its file with an"),
        ("{% include ['_s/ok.j2', 'no.j2'] %}", "mood/v1.j2:1: cannot include 'no.j2'"),
        ("{% include 'mood/v1.j2' %}",
         "mood/v1.j2:1: includes form a cycle: mood/v1.j2 -> mood/v1.j2 (remove one of them)"),
        ("{% include '_s/ring.j2' %}",
         "_s/gnir.j2:2: includes form a cycle: _s/ring.j2 -> _s/gnir.j2 -> _s/ring.j2"),
        ("{% include 'mood/v0.j2' %}",
         "mood/v1.j2:1: cannot include 'mood/v0.j2': its front matter would be sent with it"),
        ("{% include '_s/bad.j2' %}", "_s/bad.j2:2: bad template: Encountered unknown tag 'fi'"),
        ("{% include '_s/latin.j2' %}", "_s/latin.j2: not UTF-8: byte 0xe4 at offset 0"),
        ("\n{% user %}{% endif %}", "mood/v1.j2:2: bad template: Encountered unknown tag 'endif'"),
        ("{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}", "mood/v1.j2: bad template: tags or bracke"),
    ],
)  # fmt: skip
def test_wrong_includes_are_reported(
    library: TemplateLibrary, write: Callable[[str, str | bytes], Path], body: str, message: str
) -> None:
    write("templates/mood/v0.j2", "---\nnotes: x\n---\nHi")
    write("templates/_s/ok.j2", "ok")
    write("templates/_s/ring.j2", "{% include '_s/gnir.j2' %}")
    write("templates/_s/gnir.j2", "\n{% include '_s/ring.j2' %}")
    write("templates/_s/bad.j2", "\n{% fi %}")
    write("templates/_s/latin.j2", b"\xe4")
    write("templates/mood/v1.j2", body)
    error = mistake(lambda: library.load("mood", "v1"))
    assert error.startswith(f"templates/{message}")
    assert "\n" not in error


def test_a_template_that_is_not_utf8_is_reported(
    library: TemplateLibrary, write: Callable[[str, str | bytes], Path]
) -> None:
    write("templates/mood/v1.j2", b"caf\xe9")
    assert mistake(lambda: library.load("mood", "v1")).startswith(
        "templates/mood/v1.j2: not UTF-8: byte 0xe9 at offset 3"
    )


def test_the_final_answer_is_that_of_the_body_whatever_it_includes(
    library: TemplateLibrary, write: Write
) -> None:
    write("templates/mood/v1.j2", '{% include "_s/a.j2" %}{% user %}Q{% enduser %}')
    write("templates/mood/v2.j2", '{% include "_s/a.j2" %}{% include "_s/b.j2" %}')
    write("templates/_s/a.j2", "{% user %}A{% enduser %}{% generate first %}")
    write("templates/_s/b.j2", "{% user %}B{% enduser %}{% generate second %}")
    assert library.load("mood", "v1").final_answer == "answer"
    assert library.load("mood", "v2").final_answer == "second"
    for version in ("v1", "v2"):
        loaded = library.load("mood", version)
        stored = Template(loaded.source)
        assert stored.final_answer == loaded.final_answer
        assert stored.variables == loaded.variables == ()


def test_an_included_file_reads_an_answer_that_another_one_gives(
    library: TemplateLibrary, write: Write
) -> None:
    ask = "{% user %}Q{% enduser %}{% generate draft %}"
    write("templates/mood/v1.j2", ask + '{% include "_s/revise.j2" %}')
    write("templates/_s/revise.j2", "{% user %}Better than {{ draft }}?{% enduser %}")
    loaded = library.load("mood", "v1")
    assert loaded.variables == ()
    call = loaded.render({}, ["this"])
    assert call is not None
    assert call.messages[-1].text == "Better than this?"
    write("templates/_s/revise.j2", "\n{% set draft = 1 %}{% user %}{{ draft }}{% enduser %}")
    assert mistake(lambda: library.load("mood", "v1")) == (
        "templates/_s/revise.j2:2: 'draft' is the name of an answer and cannot be assigned "
        "(rename the variable)"
    )


def test_a_damaged_file_of_aliases_is_told_whatever_the_reference(
    library: TemplateLibrary, write: Write
) -> None:
    write("templates/mood/v1.j2", "one")
    write("templates/mood/aliases.yaml", "best: v7\n")
    for reference in ("mood@v1", "mood@*", "mood@v1..v1", "v1"):
        assert "aliases.yaml:1" in mistake(partial(library.resolve, reference))

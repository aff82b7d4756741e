"""Results as JUnit's XML, and as a Markdown table."""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from markdown_it import MarkdownIt

from promptlab.core.types import NOT_GRADABLE, Outcome
from promptlab.exporters.runs.cells import Said
from promptlab.exporters.runs.junit import junit_lines
from promptlab.exporters.runs.layout import Trial
from promptlab.exporters.runs.markdown import markdown_lines

from .trials import HOSTILE, LAYOUT, hostile, trial

# The shape that Jenkins reads, written from its description: what may stand where.
SCHEMA = """\
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" elementFormDefault="qualified">
  <xs:complexType name="told" mixed="true">
    <xs:attribute name="message" type="xs:string"/>
    <xs:attribute name="type" type="xs:string"/>
  </xs:complexType>
  <xs:complexType name="case">
    <xs:sequence>
      <xs:element name="skipped" type="told" minOccurs="0"/>
      <xs:element name="error" type="told" minOccurs="0" maxOccurs="unbounded"/>
      <xs:element name="failure" type="told" minOccurs="0" maxOccurs="unbounded"/>
      <xs:element name="system-out" type="xs:string" minOccurs="0" maxOccurs="unbounded"/>
      <xs:element name="system-err" type="xs:string" minOccurs="0" maxOccurs="unbounded"/>
    </xs:sequence>
    <xs:attribute name="name" type="xs:string" use="required"/>
    <xs:attribute name="classname" type="xs:string" use="required"/>
    <xs:attribute name="time" type="xs:decimal"/>
  </xs:complexType>
  <xs:complexType name="suite">
    <xs:sequence>
      <xs:element name="testcase" type="case" minOccurs="0" maxOccurs="unbounded"/>
    </xs:sequence>
    <xs:attribute name="name" type="xs:string" use="required"/>
    <xs:attribute name="tests" type="xs:nonNegativeInteger" use="required"/>
    <xs:attribute name="failures" type="xs:nonNegativeInteger" use="required"/>
    <xs:attribute name="errors" type="xs:nonNegativeInteger" use="required"/>
    <xs:attribute name="skipped" type="xs:nonNegativeInteger"/>
    <xs:attribute name="time" type="xs:decimal"/>
    <xs:attribute name="timestamp" type="xs:dateTime"/>
  </xs:complexType>
  <xs:element name="testsuites">
    <xs:complexType>
      <xs:sequence>
        <xs:element name="testsuite" type="suite" minOccurs="0" maxOccurs="unbounded"/>
      </xs:sequence>
      <xs:attribute name="name" type="xs:string"/>
      <xs:attribute name="tests" type="xs:nonNegativeInteger"/>
      <xs:attribute name="failures" type="xs:nonNegativeInteger"/>
      <xs:attribute name="errors" type="xs:nonNegativeInteger"/>
      <xs:attribute name="time" type="xs:decimal"/>
    </xs:complexType>
  </xs:element>
</xs:schema>
"""
UNABLE: dict[str, Any] = {
    "score": None,
    "passed": None,
    "error": f"{NOT_GRADABLE}: it holds no JSON",
}
BROKEN: dict[str, Any] = {"score": None, "passed": None, "error": "ValueError: no"}
LOST: dict[str, Any] = {
    "outcome": Outcome.ERROR,
    "output": None,
    "score": None,
    "passed": None,
    "error": "503",
}


def junit(trials: list[Trial]) -> str:
    return "".join(junit_lines(LAYOUT, trials, Said()))


def several() -> list[Trial]:
    other = "mood@v2 on echo"
    return [
        trial(0),
        trial(1, passed=False, score=0.0, reason="no label"),
        trial(2, **UNABLE),
        trial(3, second=BROKEN),
        trial(4, **LOST, second=LOST),
        trial(5, passed=False, score=0.0, second=UNABLE, arm=other),
        trial(6, second={**UNABLE, "error": None}, scorer="right", arm=other),
    ]


def test_each_arm_is_a_suite_and_each_trial_a_test() -> None:
    root = ET.fromstring(junit(several()))
    first, second = root.findall("testsuite")
    counts = ("tests", "failures", "errors", "skipped")
    assert [first.get(name) for name in ("name", *counts)] == ["mood@v1 on echo", *"5121"]
    assert [second.get(name) for name in counts] == [*"2100"]
    assert [root.get(name) for name in counts[:3]] == [*"722"]
    for suite in (first, second):
        for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert suite.get(name) == str(len(suite.findall(f"testcase/{tag}")))
    failed, unable, broken, lost = first.findall("testcase")[1:]
    [failure], [skipped] = failed.findall("failure"), unable.findall("skipped")
    assert failure.attrib == {"message": "right 0: no label", "type": "right"}
    assert skipped.get("message") == f"right: {UNABLE['error']}"
    assert [error.get("message") for error in broken.findall("error")] == ["length: ValueError: no"]
    assert [error.get("message") for error in lost.findall("error")] == ["503"]
    out = failed.findtext("system-out") or ""
    assert out.splitlines()[:4] == ["text: Fine.", "n: 7", "expected: good", "output (ok):"]


@pytest.mark.parametrize("trials", [[], hostile()], ids=["none", "hostile"])
def test_whatever_a_model_said_the_document_is_xml(trials: list[Trial]) -> None:
    root = ET.fromstring(junit(trials))
    assert len(root.findall("testsuite/testcase")) == len(trials)
    outs = [out.text or "" for out in root.iter("system-out")]
    assert all(Said().text(text) in out for text, out in zip(HOSTILE, outs, strict=False))
    assert not root.findall(".//x")


@pytest.mark.slow
def test_the_document_is_as_the_schema_says() -> None:
    xmlschema = pytest.importorskip("xmlschema")
    schema = xmlschema.XMLSchema(SCHEMA)
    for trials in ([], several(), hostile()):
        schema.validate(junit(trials))
    with pytest.raises(xmlschema.XMLSchemaValidationError):
        schema.validate(junit(several()).replace("<skipped", "<jumped").replace("tests=", "test="))


def test_a_markdown_table_shows_every_text_and_obeys_none() -> None:
    text = "".join(markdown_lines(LAYOUT, hostile(), Said()))
    page = MarkdownIt("commonmark", {"html": True}).enable("table").render(text)
    tags = set(re.findall(r"<(/?[a-z]+)", re.sub(r"<code>.*?</code>", "", page)))
    assert tags <= {
        f"{end}{tag}" for tag in ("p", "table", "thead", "tbody", "tr", "th", "td", "br", "code")
        for end in ("", "/")
    }  # fmt: skip
    assert page.count("<tr>") == len(HOSTILE) + 1
    for row in re.findall(r"<tr>.*?</tr>", page, re.DOTALL)[1:]:
        assert row.count("<td>") == 8
    outside = re.sub(r"<code>.*?</code>", "", page)
    for mark in ("@", "#12", "://", "www.", "octocat", "onerror"):
        assert mark not in outside


def test_long_texts_are_cut_and_that_is_said() -> None:
    text = "".join(markdown_lines(LAYOUT, [trial(output="x" * 1_500)], Said()))
    assert "... 1,200 more characters" in text
    assert "cut after 300 characters" in text

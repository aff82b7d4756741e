from __future__ import annotations

import pytest

from promptlab.core import masking
from promptlab.core.errors import BackendError
from promptlab.core.keys import (
    Environment,
    Keyring,
    holds_key,
    is_key,
    key_in_place_of,
    named_without_key,
    remember_written,
    url_holds_key,
    without_literals,
)
from promptlab.core.masking import mask

HEX = "0123456789abcdef0123456789abcdef"
UUID = "123e4567-e89b-12d3-a456-426614174000"


def test_a_key_is_looked_up_and_then_struck_out() -> None:
    ring = Keyring({"MY_KEY": " sk-abc123 \n", "OTHER": "not-asked-for", "EMPTY": " "})
    assert mask("sk-abc123") == "sk-abc123"
    assert ring.require("MY_KEY") == "sk-abc123"
    assert mask("you sent 'sk-abc123', sk-abc123") == "you sent '[key]', [key]"
    assert mask("not-asked-for") == "not-asked-for"
    assert ring.get("EMPTY") is ring.get("ABSENT") is None
    assert repr(ring) == "Keyring(1 used)"


def test_a_key_within_another_is_struck_out_last() -> None:
    ring = Keyring({"A": "secret1", "B": "secret1-and-more"})
    assert ring.fill("${A} ${B} ${A") == "secret1 secret1-and-more ${A"
    assert mask("secret1-and-more, secret1") == "[key], [key]"


def test_what_is_looked_up_in_an_environment_is_struck_out() -> None:
    values = {
        "TENANT": "blue-horse-4711",
        "UNASKED": "green-horse-4712",
        "REGION": "us-east-1",
        "PROJECT": "/home/ada/project-2024",
        "SERVER": "http://127.0.0.1:8000/v1",
        "ACCOUNT": "123456789012345",
        "SERVICE_TOKEN": "tok-a1b2c3d4e5f6",
        "MONGO": "mongodb://ada:pass-w0rd@db.example.org/x",
        "TRACE": "sk-aB3dE5gH7jK9mN1pQ3sT",
        "STOP_TOKEN": "</s>-end-of-text-2",
    }
    environment = Environment(values)
    assert dict(environment) | {"x": "y"} == {**values, "x": "y"}
    for name in ("REGION", "PROJECT", "SERVER", "ACCOUNT"):
        assert mask(values[name]) == values[name]
    masking.forget()
    environment = Environment(values)
    assert environment["TENANT"] == "blue-horse-4711"
    assert mask("blue-horse-4711 green-horse-4712") == "[key] green-horse-4712"
    assert mask(f"{values['SERVICE_TOKEN']} {values['TRACE']} pass-w0rd") == "[key] [key] [key]"
    assert mask(values["STOP_TOKEN"]) == values["STOP_TOKEN"]
    assert "blue" not in repr(environment)


@pytest.mark.parametrize(
    ("name", "kind", "model", "part"),
    [
        ("m", "openai", "sk-aB3dE5gH7jK9mN1pQ3sT", "the model's name"),
        ("m", "openai", "x@sk-aB3dE5gH7jK9mN1pQ3sT", "the model's name"),
        ("m", "sk-aB3dE5gH7jK9mN1pQ3sT", None, "the kind"),
        ("sk-aB3dE5gH7jK9mN1pQ3sT", "echo", None, "the backend's name"),
        ("m", "openai", "gpt-4o-mini-2024-07-18@http://127.0.0.1:8000/v1", None),
        ("m", "mine:answer", None, None),
    ],
)
def test_a_key_in_the_place_of_a_name(
    name: str, kind: str, model: str | None, part: str | None
) -> None:
    assert key_in_place_of(name, kind, model) == part


def test_keys_written_into_a_table_are_struck_out_from_then_on() -> None:
    remember_written(
        {
            "base_url": "HTTPS://ada:pass-w0rd@example.org",
            "headers": {"x-route": "${ROUTE}", "authorization": "Bearer abc-123-def"},
            "stop": ["one-two-three-4"],
            "revision": HEX + "01234567",
        }
    )
    assert mask("pass-w0rd, Bearer abc-123-def") == "[key], [key]"
    assert mask(f"one-two-three-4 {HEX}01234567") == f"one-two-three-4 {HEX}01234567"


def test_a_missing_key_is_reported_by_name() -> None:
    with pytest.raises(BackendError, match="there is no key: NO_KEY is not set") as caught:
        Keyring({}).fill("Bearer ${NO_KEY}")
    assert caught.value.hint == ("export NO_KEY=..., or set it in the project's .env file")


@pytest.mark.parametrize("key", ["ab\ncd-secret", "schlüssel-secret", "ab\x00cd-secret"])
def test_a_key_that_cannot_be_sent_is_reported_without_it(key: str) -> None:
    with pytest.raises(BackendError) as caught:
        Keyring({"BAD": key}).require("BAD")
    assert "BAD" in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("", "sk-proj-abcdefghijklmnopqrst"),
        ("", "sk-ant-api03-AbC"),
        ("", "sk-1234567890"),
        ("x-title", "my sk_live_0123456789"),
        ("", "gsk_abcdefghijKLMNOP0123"),
        ("", "hf_AbCdEfGhIjKlMnOpQrStUvWxYz"),
        ("", "AIzaSyA0123456789abcdefghijklm"),
        ("", "ghp_0123456789abcdefghij"),
        ("", "xai-0123456789abcdefghijkl"),
        ("", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIx.abc"),
        ("", "AKIA0123456789ABCDEF"),
        ("", "Bearer abcdef123"),
        ("", " Basic dXNlcjpwYXNzd29yZA== "),
        ("x-trace", HEX),
        ("x", "AbCdEfGhIjKlMnOpQrStUvWxYz0123"),
        ("Authorization", "hunter2"),
        ("authorization", "hunter2 ${NAME}"),
        ("Proxy-Authorization", "x"),
        ("x-api-key", "x"),
        ("api-key", UUID),
        ("apiKey", "x"),
        ("APIKEY", "x"),
        ("Ocp-Apim-Subscription-Key", "x"),
        ("accessToken", "x"),
        ("X-Auth", "x"),
        ("Cookie", "session=1"),
        ("client_secret", "x"),
        ("password", "x"),
        ("X-Amz-Signature", "x"),
        ("sig", "x"),
        ("x-credentials", "x"),
        ("x-bearer", "x"),
    ],
)  # fmt: skip
def test_what_is_a_key(name: str, value: str) -> None:
    assert holds_key(name, value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("authorization", "Bearer ${MY_KEY}"),
        ("authorization", "Token ${MY_KEY}"),
        ("x-api-key", "${MY_KEY}"),
        ("x-api-key", ""),
        ("x-api-key", "  "),
        ("anthropic-version", "2023-06-01"),
        ("anthropic-beta", "interleaved-thinking-2025-05-14"),
        ("anthropic-beta", "fine-grained-tool-streaming-2025-05-14,context-1m-2025-08-07"),
        ("x-request-id", UUID),
        ("openai-organization", "org-AbCdEf0123456789abcdefGH"),
        ("openai-project", "proj_AbCdEf0123456789abcdefGH"),
        ("http-referer", "https://example.org/a/rather/long/path/to/a/page/2024/index.html"),
        ("x-title", "Donaudampfschifffahrtselektrizitaetenhauptbetriebswerk"),
        ("user-agent", "promptlab/0.1 (https://example.org)"),
        ("author", "somebody"),
        ("keyboard", "qwertz"),
        ("prompt_cache_key", "my-suite-3"),
        ("idempotency-key", UUID),
        ("stop_token", "</s>"),
        *((f"{kind}_token", "<s>") for kind in ("bos", "eos", "pad", "unk", "mask", "end")),
        ("start-token", "<s>"),
        ("tokenizer", "auto"),
        ("monkey", "banana"),
        ("model", "gpt-4o-mini-2024-07-18"),
        ("model", "Qwen/Qwen3-Coder-480B-A35B-Instruct-FP8-dynamic"),
        ("model", "hf-internal-testing/tiny-random-LlamaForCausalLM"),
        ("model", "anthropic.claude-3-5-sonnet-20241022-v2:0"),
        ("model", "ft:gpt-4o-mini-2024-07-18:my-org:custom-suffix:9bXyZAbC"),
        ("prefix", "Basic rules apply here"),
        ("prefix", "ThisIsAVeryLongNameInCamelCase_v2"),
        ("prefix", "risk-averse-behaviour-modelling-task-2024"),
        ("effort", "low"),
    ],
)  # fmt: skip
def test_what_is_none(name: str, value: str) -> None:
    assert not holds_key(name, value)


def test_where_ids_are_possible_they_are_not_keys() -> None:
    assert not holds_key("revision", HEX + "01234567", or_id=True)
    assert not holds_key("previous_response_id", "resp_" + HEX + HEX, or_id=True)
    assert holds_key("x", "AbCdEfGhIjKlMnOpQrStUvWxYz0123", or_id=True)
    assert holds_key("api_key", HEX, or_id=True)


@pytest.mark.parametrize(
    "url",
    [
        "https://user:pass@example.org/v1",
        "https://sk-abc@example.org/v1",
        "https://example.org/v1?key=abc",
        "https://example.org/v1?api-version=1&x=sk-0123456789",
        "https://example.org/v1#token=abc",
        "https://example.org/v1#sk-0123456789",
        "https://example.org/sk-0123456789/v1",
        "https://example.org/sk%2D0123456789/v1",
        "https://[sk-0123456789]/v1",
        "https://example.org/AbCdEfGhIjKlMnOpQrStUvWxYz0123/v1",
    ],
)
def test_an_address_with_a_key(url: str) -> None:
    assert url_holds_key(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8000/v1",
        "http://[::1]:8000/v1",
        "https://router.huggingface.co/hf-inference/v1",
        f"https://gateway.ai.cloudflare.com/v1/{HEX}/my-gateway/openai",
        f"https://example.org/{UUID}/v1",
        "https://x.openai.azure.com/openai/deployments/gpt-4o/?api-version=2024-10-21",
        "https://generativelanguage.googleapis.com/v1beta/openai",
    ],
)
def test_an_address_without_one(url: str) -> None:
    assert not url_holds_key(url)


@pytest.mark.parametrize(
    "model",
    ["sk-proj-ab12cd34ef56gh78ij90", "hf_AbCdEfGhIjKlMnOpQrSt", "AbCdEfGhIjKlMnOpQrStUvWxYz0123"],
)
def test_a_key_in_the_place_of_a_model(model: str) -> None:
    assert is_key(model)
    assert named_without_key(f"openai:{model}") == "openai:[key]"
    assert named_without_key(f"openai:{model}@http://127.0.0.1:9/v1") == "openai:[key]"


@pytest.mark.parametrize(
    "model",
    [
        "gpt-4o-mini-2024-07-18",
        "Qwen/Qwen3-Coder-480B-A35B-Instruct-FP8-dynamic",
        "owner/mistral-sk-7b-instruct-finetuned",
        "ft:gpt-4o-mini-2024-07-18:my-org:custom-suffix:9bXyZAbC",
        "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-sonnet-4",
        f"owner/model:{HEX}{HEX}",
        "hf_cache/model.gguf",
        "/tmp/AbCdEfGhIjKlMnOpQrStUvWxYz0123/model.gguf",
    ],
)
def test_a_model_that_is_not_a_key(model: str) -> None:
    assert not is_key(model)
    assert named_without_key(f"openai:{model}") == f"openai:{model}"


def test_what_seems_to_be_a_key_is_struck_out_of_options() -> None:
    given = {
        "base_url": "https://user:pass@example.org/v1",
        "other_url": "http://[x",
        "good_url": f"https://example.org/{HEX}/v1",
        "api_key": "hunter2",
        "api_key_env": "MY_KEY",
        "headers": {
            "Authorization": "Bearer ${MY_KEY}",
            "cookie": "http://x",
            "x-a": "sk-123456789",
        },
        "list": [{"token": "x"}, "AKIA0123456789ABCDEF", 3],
        "concurrency": 3,
        "images": True,
    }
    assert without_literals(given) == {
        "base_url": "[key]",
        "other_url": "[key]",
        "good_url": f"https://example.org/{HEX}/v1",
        "api_key": "[key]",
        "api_key_env": "MY_KEY",
        "headers": {"Authorization": "Bearer ${MY_KEY}", "cookie": "[key]", "x-a": "[key]"},
        "list": [{"token": "[key]"}, "[key]", 3],
        "concurrency": 3,
        "images": True,
    }

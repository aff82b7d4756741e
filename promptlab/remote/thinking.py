"""How a model behind a server of OpenAI's chat format is told whether to think.

The format has no word of its own for it, so each vendor has another; servers of one's own (vLLM,
SGLang, llama.cpp) hand it to the model's chat template.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from promptlab.core.errors import BackendError
from promptlab.core.thinking import Thinking

MEANING = "Whether the model thinks first: `on`, `off`, or the most tokens that it may think."


def chat_keys(thinking: Thinking, host: str) -> Mapping[str, Any]:
    """Return the body keys that say it to this host. Raise BackendError if none do."""
    ends = (name for name in _WAYS if f".{host}".endswith(f".{name}"))
    name = next(ends, None)
    keys = (_of_template if name is None else _WAYS[name])(thinking)
    if keys is None:
        raise no_budget(host or "this server", "put the server's own key into extra_body")
    return keys


def no_budget(server: str, remedy: str) -> BackendError:
    """Return the error of a server that takes no number of tokens."""
    return BackendError(
        f"thinking: {server} knows on and off, but no number of tokens", hint=f"{remedy}"
    )


def effort(thinking: Thinking) -> str | None:
    """Return OpenAI's effort, None for a number of tokens."""
    return {"on": "medium", "off": "none"}.get(str(thinking))


def _effort(thinking: Thinking) -> Mapping[str, Any] | None:
    word = effort(thinking)
    return None if word is None else {"reasoning_effort": word}


def _reasoning(thinking: Thinking) -> Mapping[str, Any]:
    if isinstance(thinking, int):
        return {"reasoning": {"max_tokens": thinking}}
    return {"reasoning": {"enabled": thinking == "on"}}


def _enabled(thinking: Thinking) -> Mapping[str, Any]:
    budget = {"thinking_budget": thinking} if isinstance(thinking, int) else {}
    return {"enable_thinking": thinking != "off", **budget}


def _type(thinking: Thinking) -> Mapping[str, Any] | None:
    if isinstance(thinking, int):
        return None
    return {"thinking": {"type": "enabled" if thinking == "on" else "disabled"}}


def _type_with_budget(thinking: Thinking) -> Mapping[str, Any] | None:
    if isinstance(thinking, int):
        return {"thinking": {"type": "enabled", "budget_tokens": thinking}}
    return _type(thinking)


def _of_google(thinking: Thinking) -> Mapping[str, Any]:
    budget = {"on": -1, "off": 0}.get(str(thinking), thinking)
    return {"extra_body": {"google": {"thinking_config": {"thinking_budget": budget}}}}


def _of_template(thinking: Thinking) -> Mapping[str, Any] | None:
    if isinstance(thinking, int):
        return None
    # Qwen, GLM and SmolLM3 know the first name, DeepSeek and Granite the second.
    return {
        "chat_template_kwargs": {"enable_thinking": thinking == "on", "thinking": thinking == "on"}
    }


_WAYS: dict[str, Callable[[Thinking], Mapping[str, Any] | None]] = {
    "api.openai.com": _effort,
    "openai.azure.com": _effort,
    "services.ai.azure.com": _effort,
    "openrouter.ai": _reasoning,
    "aliyuncs.com": _enabled,
    "siliconflow.cn": _enabled,
    "siliconflow.com": _enabled,
    "api.deepseek.com": _type,
    "bigmodel.cn": _type,
    "z.ai": _type,
    "moonshot.ai": _type,
    "moonshot.cn": _type,
    "volces.com": _type,
    "api.anthropic.com": _type_with_budget,
    "generativelanguage.googleapis.com": _of_google,
}

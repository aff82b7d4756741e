"""Decide what a reply without an answer means: retry and when, give up the request, or stop.

Vendors format their errors differently and agree on little but the status; servers that imitate
them agree on even less. One reader serves them all by looking for whatever any of them sends.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from promptlab.core.errors import BackendError
from promptlab.core.failure import Fault
from promptlab.remote.complaints import Complaint, code_in, read_complaint
from promptlab.remote.exchange import CallError, Reply
from promptlab.remote.reading import header
from promptlab.remote.waits import wait_of

# What stops a backend for good: every other call would fail the same way.
_STATUS_HINTS = {
    401: "check the key",
    402: "check the account's credit",
    403: "check the key's permissions",
    404: "check model and base_url",
    405: "check base_url",
    407: "check the proxy that the environment names",
    410: "check model and base_url",
}
_FATAL_CODES = {
    "insufficient_quota": "check the account's plan and credit",
    "billing_hard_limit_reached": "raise the account's limit",
    "billing_not_active": "check the account's billing",
    "billing_error": "check the account's credit",
    "invalid_api_key": "check the key",
    "API_KEY_INVALID": "check the key",
    "authentication_error": "check the key",
    "permission_error": "check the key's permissions",
    "model_not_found": "check the name of the model",
    "FAILED_PRECONDITION": "check the account's billing, and whether the API serves this country",
}
# Some say it only in words, with a status that means something else (Anthropic, xAI: 400).
_FATAL_WORDS = {
    r"credit balance|credits? (?:are|is) depleted": "check the account's credit",
    r"spending (?:cap|limit)": "raise the account's limit",
    r"invalid model name|server is pinned to": "check the name of the model",
    r"(?:incorrect|invalid) api key|api key not valid": "check the key",
    r"plain HTTP.{0,40}(?:HTTPS|SSL)|HTTP request to an HTTPS server": "write https:// in base_url",
}
# An error in a reply that succeeded: what says that it passes.
_BUSY_CODES = {
    *("rate_limit_exceeded", "rate_limit_error", "too_many_requests", "RESOURCE_EXHAUSTED"),
    *("overloaded_error", "overloaded", "server_busy", "engine_overloaded", "UNAVAILABLE"),
    "service_unavailable",
}
_SERVER_CODES = {
    *("server_error", "internal_error", "internal_server_error", "api_error", "INTERNAL"),
    *("timeout", "timeout_error", "DEADLINE_EXCEEDED", "bad_gateway", "gateway_timeout"),
}
_REFUSAL_CODES = {"content_filter", "content_policy_violation", "invalid_prompt"}
_REFUSAL_WORDS = re.compile(r"blocked by (?:our )?content filter", re.IGNORECASE)
# A request that exceeds the limit per minute on its own (OpenAI: 429).
_NEVER = re.compile(r"request too large", re.IGNORECASE)
_PASSING = {408, 409, 423, 425, 429, 498}
_BUSY = {429, 498, 503, 529}

_SAMPLING = {
    "temperature": "temperature",
    "top_p": "top_p",
    "topp": "top_p",
    "max_tokens": "max_tokens",
    "max_completion_tokens": "max_tokens",
    "max_output_tokens": "max_tokens",
    "maxoutputtokens": "max_tokens",
    "num_predict": "max_tokens",
    "stop": "stop",
    "stop_sequences": "stop",
    "stopsequences": "stop",
    "seed": "seed",
}
_UNSUPPORTED = re.compile(
    r"unsupported|not supported|does ?n.t support|not support|unknown (?:parameter|name|field)"
    r"|unrecognized|not permitted|not allowed|deprecated|extra inputs|only the default"
    r"|cannot both be|may only be set",
    re.IGNORECASE,
)
# `stop` is also a word, so it counts only where it is quoted.
_NAMED = re.compile(
    r"[`'\"]([A-Za-z_]+)[`'\"]|\b("
    + "|".join(name for name in _SAMPLING if name != "stop")
    + r")\b",
    re.IGNORECASE,
)


_OTHER_NAME = re.compile(r"use '?max_completion_tokens", re.IGNORECASE)


class RefusedError(CallError):
    """A server's refusal to answer this prompt: an outcome of its own, not an error."""


def judge(reply: Reply) -> CallError:
    """Return the error for a reply without an answer; raise BackendError if it is fatal."""
    return _judge(reply, reply.status, f"HTTP {reply.status}")


def judge_body(reply: Reply) -> CallError:
    """Return the error that the body of a reply reports, though its head says that all is well.

    Its own code counts, if it has one. Without, and without a word that it passes, it does not.
    """
    status = code_in(reply.content)
    if status is not None:
        return _judge(reply, status, f"an error {status} under HTTP {reply.status}")
    complaint = read_complaint(reply.content)
    head = f"an error under HTTP {reply.status}"
    for fault, codes in ((Fault.BUSY, _BUSY_CODES), (Fault.SERVER, _SERVER_CODES)):
        if complaint.codes & codes:
            wait = wait_of(reply.headers, complaint.details)
            return CallError(fault, f"{head}: {complaint.message}", wait)
    error = _judge(reply, 400, head)
    if isinstance(error, RefusedError):
        return error
    return CallError(Fault.COMPLAINT, str(error.args[0]))


def _judge(reply: Reply, status: int, head: str) -> CallError:
    complaint = read_complaint(reply.content)
    message = f"{head}: {complaint.message}" if complaint.message else head
    if 300 <= status < 400:
        target = header(reply.headers.get("location", "somewhere else")).partition("?")[0]
        return CallError(Fault.UNREADABLE, f"HTTP {status}, a redirect to {target}")
    if status < 300:
        return CallError(Fault.UNREADABLE, f"{message}, which is not an answer")
    if _is_about_the_prompt(status, complaint):
        return RefusedError(Fault.REJECTED, message)
    hint = _remedy(status, complaint)
    if hint is not None:
        raise BackendError(message, hint=hint)
    if not _passes(reply, status, complaint):
        return CallError(Fault.REJECTED, message)
    busy = status in _BUSY or "overloaded_error" in complaint.codes
    wait = wait_of(reply.headers, complaint.details)
    return CallError(Fault.BUSY if busy else Fault.SERVER, message, wait)


def _is_about_the_prompt(status: int, complaint: Complaint) -> bool:
    """Return whether a server refuses this prompt. With a 403, OpenRouter sends `reasons`."""
    if complaint.codes & _REFUSAL_CODES or _REFUSAL_WORDS.search(complaint.message):
        return True
    named = ("reasons" in detail for detail in complaint.details)
    return status == 403 and any(named)


def _passes(reply: Reply, status: int, complaint: Complaint) -> bool:
    """Return whether the same call may succeed later; the server's own advice wins."""
    if _NEVER.search(complaint.message):
        return False
    advice: str = reply.headers.get("x-should-retry", "").lower()
    if advice in ("true", "false"):
        return advice == "true"
    return status >= 500 or status in _PASSING


def _remedy(status: int, complaint: Complaint) -> str | None:
    """Return how to fix an error that every call would hit, None if the next may succeed."""
    key = _refused_key(complaint) if status in (400, 422) else None
    if key == "max_tokens" and _OTHER_NAME.search(complaint.message):
        return 'set max_tokens_field = "max_completion_tokens" in the backend\'s table'
    if key is not None:
        return f"this model refuses {key}; set omit = [{key!r}] in the backend's table"
    if any("PerDay" in quota for quota in _quotas(complaint)):
        return "today's quota is used up: resume tomorrow"
    for words, hint in _FATAL_WORDS.items():
        if status < 500 and re.search(words, complaint.message, re.IGNORECASE):
            return hint
    for code in sorted(complaint.codes & _FATAL_CODES.keys()):
        return _FATAL_CODES[code]
    return _STATUS_HINTS.get(status)


def _refused_key(complaint: Complaint) -> str | None:
    """Return the sampling key that this model does not support, if that is the complaint."""
    if not _UNSUPPORTED.search(complaint.message) and not any(
        code.startswith("unsupported") for code in complaint.codes
    ):
        return None
    if complaint.param is not None:
        return _SAMPLING.get(complaint.param.lower())
    named = _NAMED.findall(complaint.message)
    words = (word.lower() for pair in named for word in pair if word)
    return next((_SAMPLING[word] for word in words if word in _SAMPLING), None)


def _quotas(complaint: Complaint) -> Iterator[str]:
    """Yield the names of the quotas that a Gemini server reports as used up, in either form."""
    for detail in complaint.details:
        metadata = detail.get("metadata")
        if isinstance(metadata, dict):
            yield str(metadata.get("quota_limit") or "")
        violations = detail.get("violations")
        for violation in violations if isinstance(violations, list) else ():
            if isinstance(violation, dict):
                yield str(violation.get("quotaId") or violation.get("quotaMetric") or "")

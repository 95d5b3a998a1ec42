"""One question to WeChat Pay: the same bytes to one host, then to the other, then a fate.

    answer of this host                         next
    ─────────────────────────────────────────   ─────────────────────────────────────────────
    2xx, verified, about what was asked         that is it
    4xx with a code                             that is it: refused
    signature that only tests us (SIGNTEST)     the same host again, a few times
    not sent, 429                               other host; at the end: unavailable
    no answer, 5xx, HTML, not verified          other host; at the end: outcome unknown

Nearly every call is idempotent by its own number, so a repeat is safe, but once one host may have
acted only an answer can tell: a later "not sent" doesn't make it unavailable. What has no number
(a word to a payer) is asked `once`: after silence, whoever asked must look whether it was done.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TypeVar
from urllib.parse import urlsplit

from chalicelib.kernel.clock import Clock, milliseconds
from chalicelib.kernel.ids import Randomness
from chalicelib.kernel.strict_json import NotStrictJsonError, read_object
from chalicelib.providers.port import (
    Fate,
    ProviderOutcomeUnknownError,
    ProviderRejectedError,
    ProviderUnavailableError,
    TellCall,
    tell_nobody,
    told,
)
from chalicelib.providers.transport import (
    ANSWER_BYTES_MAX,
    Answer,
    NoAnswerError,
    NotSentError,
    Timeouts,
    Transport,
)
from chalicelib.providers.wechatpay.doubt import DoubtError
from chalicelib.providers.wechatpay.keys import KeyRing
from chalicelib.providers.wechatpay.signing import MerchantKey
from chalicelib.providers.wechatpay.verify import is_sign_test, is_signed, verify

USER_AGENT = "shoukuan/0.1"
SIGN_TESTS_MAX = 2
NONCE_BYTES = 16

Reading = TypeVar("Reading")


@dataclass(frozen=True, slots=True)
class Question:
    """A request: path and query as sent, and the very bytes of the body."""

    method: str
    path: str
    body: bytes = field(default=b"", repr=False)
    verified: bool = True
    """Verify the answer here; the first certificates can only be verified by their reader."""

    once: bool = False
    """Never repeat what may have been done; only what was not sent goes to the other host."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A 4xx answer with a code."""

    status: int
    code: str
    request_id: str

    def error(self) -> ProviderRejectedError:
        """Return the refusal as the port names it."""
        return ProviderRejectedError(
            "WeChat Pay refuses this",
            provider_code=self.code,
            provider_status=self.status,
            provider_request_id=self.request_id,
        )


@dataclass(frozen=True, slots=True)
class Exchange:
    """Asks WeChat Pay within a budget."""

    hosts: tuple[str, ...]
    key: Callable[[], MerchantKey]
    public_key_id: str | None
    ring: Callable[[], KeyRing]
    transport: Transport
    clock: Clock
    randomness: Randomness
    timeouts: Timeouts
    tell: TellCall = tell_nobody

    def ask(self, question: Question, read: Callable[[Answer], Reading]) -> Reading | Refusal:
        """Return what `read` makes of the answer, or a refusal; else raise the fate.

        `read` raises `DoubtError` for an answer that can't be relied on.
        """
        with told(self.tell, question.method, question.path) as say:
            answer = self._ask(question, read)
            say(Fate.REJECTED if isinstance(answer, Refusal) else Fate.ANSWERED)
        return answer

    def _ask(self, question: Question, read: Callable[[Answer], Reading]) -> Reading | Refusal:
        deadline = self.clock.monotonic() + self.timeouts.total_seconds
        reason = ""
        for host in self.hosts:
            try:
                return self._ask_host(host, question, read, deadline)
            except NotSentError:
                continue
            except (NoAnswerError, DoubtError) as error:
                reason = str(error)
                if question.once:
                    break
        if reason:
            raise ProviderOutcomeUnknownError("WeChat Pay gave no answer", reason=reason)
        raise ProviderUnavailableError("WeChat Pay can't be reached, or is too busy")

    def signed_for(self, url: str) -> Mapping[str, str]:
        """Return the headers of a GET of this address, which an earlier answer gave."""
        return self._headers(Question("GET", ""), target=url[len(_origin(url)) :])

    def refusal(self, answer: Answer) -> Refusal:
        """Read a refusal that nobody signed, or raise one of the fates."""
        try:
            return self._understand(answer, Question("GET", "", verified=False), _no_reading)
        except NotSentError:
            raise ProviderUnavailableError("WeChat Pay is too busy") from None
        except NoAnswerError as error:
            raise ProviderOutcomeUnknownError(
                "WeChat Pay gave no answer", reason=str(error)
            ) from None

    def _ask_host(
        self, host: str, question: Question, read: Callable[[Answer], Reading], deadline: float
    ) -> Reading | Refusal:
        answer = self._send(host, question, deadline)
        if not is_sign_test(answer.headers):
            return self._understand(answer, question, read)
        if question.once:
            raise NoAnswerError("WeChat Pay only tested our verification")
        try:
            return self._ask_again(host, question, read, deadline)
        except NotSentError:
            raise NoAnswerError("WeChat Pay only tested our verification") from None

    def _ask_again(
        self, host: str, question: Question, read: Callable[[Answer], Reading], deadline: float
    ) -> Reading | Refusal:
        """Repeat after a sign test; the first time it was seen, and perhaps done."""
        for _ in range(SIGN_TESTS_MAX):
            answer = self._send(host, question, deadline)
            if not is_sign_test(answer.headers):
                return self._understand(answer, question, read)
        raise NoAnswerError("WeChat Pay only tests our verification")

    def _understand(
        self, answer: Answer, question: Question, read: Callable[[Answer], Reading]
    ) -> Reading | Refusal:
        if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
            raise NotSentError("too many requests")
        match answer.status // 100:
            case 2:
                if question.verified:
                    self._verify(answer)
                return read(answer)
            case 4:
                # Not all refusals are signed: WeChat Pay can't sign for whom it doesn't know.
                if question.verified and is_signed(answer.headers):
                    self._verify(answer)
                return _refusal(answer)
            case _:
                raise NoAnswerError(f"HTTP status {answer.status}")

    def _verify(self, answer: Answer) -> None:
        now = self.clock.protocol_now()
        verify(answer.headers, answer.body, ring=self.ring(), now=now)

    def _send(self, host: str, question: Question, deadline: float) -> Answer:
        """Send with a fresh signature, within what is left of the budget."""
        seconds = int(deadline - self.clock.monotonic())
        if seconds < 1:
            raise NotSentError("no time left")
        url = host + question.path
        headers = self._headers(question, target=url[len(_origin(url)) :])
        timeouts = self.timeouts.within(seconds)
        return self.transport.send(question.method, url, headers, question.body, timeouts)

    def _headers(self, question: Question, *, target: str) -> Mapping[str, str]:
        headers = {
            "Accept": "application/json",
            "User-Agent": USER_AGENT,
            "Authorization": self.key().authorization(
                method=question.method,
                target=target,
                body=question.body,
                timestamp=milliseconds(self.clock.protocol_now()) // 1000,
                nonce=self.randomness(NONCE_BYTES).hex().upper(),
            ),
        }
        if question.body:
            headers["Content-Type"] = "application/json"
        if self.public_key_id is not None:
            headers["Wechatpay-Serial"] = self.public_key_id
        return headers


def _no_reading(answer: Answer) -> Refusal:
    raise NoAnswerError(f"HTTP status {answer.status}")


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _refusal(answer: Answer) -> Refusal:
    """Read a refusal's code; an edge's page has none, and says nothing."""
    try:
        code = read_object(answer.body, bytes_max=ANSWER_BYTES_MAX).get("code")
    except NotStrictJsonError:
        code = None
    if not isinstance(code, str) or not code:
        raise NoAnswerError(f"HTTP status {answer.status} without a code")
    request_ids = [v for name, v in answer.headers.items() if name.lower() == "request-id"]
    return Refusal(answer.status, code[:64], "".join(request_ids)[:64])

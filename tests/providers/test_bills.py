"""Bills at WeChat Pay: asked for, downloaded, and believed only when their hash says so."""

import gzip
import hashlib
import tracemalloc
from base64 import b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from tempfile import TemporaryFile
from typing import BinaryIO
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.providers.bills import BillBrokenError, BillFile, BillKind, BillNotReadyError
from chalicelib.providers.port import (
    ProviderOutcomeUnknownError,
    ProviderRejectedError,
    ProviderUnavailableError,
)
from chalicelib.providers.transport import Answer, NoAnswerError, NotSentError
from chalicelib.providers.wechatpay import bills as bills_module
from chalicelib.providers.wechatpay.bills import WeChatBills
from tests.providers import far_side as far
from tests.providers.bill_texts import DAY, FLOWS, PAYMENTS, TEXTS, zipped

FILE = f"{far.BASE}/v3/billdownload/file?token=6XIv5TUPto7pByrTQKhd&tar_type=gzip"
KINDS = list(BillKind)
P = BillKind.PAYMENTS


def sha1(text: str | bytes) -> str:
    raw = text if isinstance(text, bytes) else text.encode()
    return hashlib.sha1(raw, usedforsecurity=False).hexdigest()


def link(text: str | bytes, **changed: object) -> Answer:
    said = {"hash_type": "SHA1", "hash_value": sha1(text), "download_url": FILE}
    return far.answer(said | changed)


def refusal(status: int, code: str) -> Answer:
    return Answer(status, {}, far.json_bytes({"code": code, "message": "x"}))


Downloaded = bytes | Answer | Exception | Callable[[BinaryIO], None]


@dataclass
class Shelf:
    """Downloads that follow a script, one step a file."""

    steps: list[Downloaded]
    calls: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)

    def download(
        self, url: str, headers: Mapping[str, str], into: BinaryIO, bytes_max: int
    ) -> Answer | None:
        self.calls.append((url, headers))
        assert self.steps, "one download more than expected"
        match self.steps.pop(0):
            case bytes() as body:
                into.write(body)
            case Answer() as answer:
                return answer
            case Exception() as error:
                into.write(b"half of ")
                raise error
            case write:
                write(into)
        return None


def bills(
    *steps: far.Step, files: list[Downloaded] | None = None
) -> tuple[WeChatBills, far.Wire, Shelf]:
    pay, wire = far.client(*steps)
    shelf = Shelf(files or [])
    return pay.bills(shelf), wire, shelf


@pytest.mark.parametrize(
    ("kind", "path", "query"),
    [
        (BillKind.PAYMENTS, "/v3/bill/tradebill", {"bill_type": ["SUCCESS"]}),
        (BillKind.REFUNDS, "/v3/bill/tradebill", {"bill_type": ["REFUND"]}),
        (BillKind.FLOWS, "/v3/bill/fundflowbill", {"account_type": ["BASIC"]}),
        (BillKind.SHARES, "/v3/profitsharing/bills", {}),
    ],
)
def test_a_bill_is_asked_for_fetched_and_read(
    kind: BillKind, path: str, query: dict[str, list[str]]
) -> None:
    text = TEXTS[kind]
    ours, wire, shelf = bills(link(text), files=[zipped(text)])
    with TemporaryFile("w+b") as file:
        fetched = ours.fetch(kind, DAY, file)
        size = len(text.encode())
        assert fetched == BillFile(kind=kind, day="2026-11-24", sha1=sha1(text), bytes=size)
        file.seek(0)
        assert file.read() == zipped(text), "kept as it came"
        bill = ours.read(kind, DAY, file)
        assert len(list(bill.lines())) == bill.totals().lines > 0
    asked = urlsplit(wire.calls[0].url)
    assert asked.path == path
    assert parse_qs(asked.query) == query | {"bill_date": ["2026-11-24"], "tar_type": ["GZIP"]}
    assert [url for url, _ in shelf.calls] == [FILE]


def test_the_download_is_signed_over_path_and_query() -> None:
    ours, _, shelf = bills(link(FLOWS), files=[zipped(FLOWS)])
    ours.fetch(BillKind.FLOWS, DAY, BytesIO())
    ((_, headers),) = shelf.calls
    said = dict(
        part.split("=", 1) for part in headers["Authorization"].partition(" ")[2].split(",")
    )
    facts = {name: value.strip('"') for name, value in said.items()}
    message = (
        "GET\n/v3/billdownload/file?token=6XIv5TUPto7pByrTQKhd&tar_type=gzip\n"
        f"{facts['timestamp']}\n{facts['nonce_str']}\n\n"
    )
    far.rsa_key("merchant").public_key().verify(
        b64decode(facts["signature"]), message.encode(), PKCS1v15(), SHA256()
    )
    assert facts["mchid"] == far.MCH_ID


def test_an_empty_day_has_no_bill() -> None:
    ours, _, shelf = bills(refusal(400, "NO_STATEMENT_EXIST"))
    assert ours.fetch(P, DAY, BytesIO()) is None
    assert shelf.calls == []


def test_a_bill_that_is_being_made_is_asked_for_again_later() -> None:
    ours, _, _ = bills(refusal(400, "STATEMENT_CREATING"))
    with pytest.raises(BillNotReadyError) as caught:
        ours.fetch(P, DAY, BytesIO())
    assert caught.value.facts["bill"] == P


def test_a_stale_link_is_asked_for_anew() -> None:
    stale = refusal(400, "INVALID_REQUEST")
    ours, wire, shelf = bills(link("old"), link(PAYMENTS), files=[stale, zipped(PAYMENTS)])
    file = BytesIO(b"what an earlier try left there, which is longer than any bill" * 100)
    fetched = ours.fetch(P, DAY, file)
    assert fetched is not None
    assert (len(wire.calls), len(shelf.calls)) == (2, 2)
    assert file.getvalue() == zipped(PAYMENTS)


def test_a_link_that_is_always_stale_is_given_up_for_now() -> None:
    stale = refusal(400, "INVALID_REQUEST")
    ours, _, shelf = bills(*[link(PAYMENTS)] * 3, files=[stale, stale, stale])
    with pytest.raises(ProviderUnavailableError):
        ours.fetch(P, DAY, BytesIO())
    assert len(shelf.calls) == 3


@pytest.mark.parametrize(
    ("step", "fate"),
    [
        (refusal(400, "INVALID_REQUEST"), ProviderRejectedError),
        (refusal(400, "PARAM_ERROR"), ProviderRejectedError),
        (refusal(403, "NO_AUTH"), ProviderRejectedError),
        (refusal(429, "FREQUENCY_LIMITED"), ProviderUnavailableError),
        (refusal(500, "SYSTEM_ERROR"), ProviderOutcomeUnknownError),
        (NotSentError("x"), ProviderUnavailableError),
        (NoAnswerError("x"), ProviderOutcomeUnknownError),
        (far.tampered(link(PAYMENTS), Wechatpay_Signature="AAAA"), ProviderOutcomeUnknownError),
        (link(PAYMENTS, hash_type="SHA256"), ProviderOutcomeUnknownError),
        (link(PAYMENTS, hash_value=None), ProviderOutcomeUnknownError),
        (link(PAYMENTS, download_url="https://evil.test/v3/bill"), ProviderOutcomeUnknownError),
        (link(PAYMENTS, download_url=f"{far.BASE}.evil.test/v3"), ProviderOutcomeUnknownError),
        (link(PAYMENTS, download_url=f"{far.BASE}@evil.test/v3"), ProviderOutcomeUnknownError),
        (link(PAYMENTS, download_url=far.BASE), ProviderOutcomeUnknownError),
        (link(PAYMENTS, download_url=""), ProviderOutcomeUnknownError),
    ],
)
def test_a_link_that_does_not_come_has_a_fate(
    step: Answer | Exception, fate: type[Exception]
) -> None:
    ours, _, shelf = bills(*[step] * 2)
    with pytest.raises(fate):
        ours.fetch(P, DAY, BytesIO())
    assert shelf.calls == [], "our signature went nowhere else"


@pytest.mark.parametrize(
    ("step", "fate"),
    [
        (refusal(403, "NO_AUTH"), ProviderRejectedError),
        (refusal(401, "SIGN_ERROR"), ProviderRejectedError),
        (refusal(429, "FREQUENCY_LIMITED"), ProviderUnavailableError),
        (refusal(500, "SYSTEM_ERROR"), ProviderOutcomeUnknownError),
        (Answer(502, {}, b"<html>"), ProviderOutcomeUnknownError),
        (Answer(404, {}, b"<html>"), ProviderOutcomeUnknownError),
        (Answer(302, {"Location": "https://evil.test"}, b""), ProviderOutcomeUnknownError),
        (Answer(204, {}, b""), ProviderOutcomeUnknownError),
        (Answer(206, {}, b"half"), ProviderOutcomeUnknownError),
        (NotSentError("x"), ProviderUnavailableError),
        (NoAnswerError("dropped"), ProviderOutcomeUnknownError),
    ],
)
def test_a_download_that_does_not_come_has_a_fate(
    step: Answer | Exception, fate: type[Exception]
) -> None:
    ours, _, _ = bills(link(PAYMENTS), files=[step])
    with pytest.raises(fate):
        ours.fetch(P, DAY, BytesIO())


@pytest.mark.parametrize("hash_value", [sha1(PAYMENTS).upper(), sha1(PAYMENTS)])
def test_a_hash_is_spelled_in_either_case(hash_value: str) -> None:
    ours, _, _ = bills(link(PAYMENTS, hash_value=hash_value), files=[zipped(PAYMENTS)])
    assert ours.fetch(P, DAY, BytesIO()) is not None


GOOD = zipped(PAYMENTS)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(zipped(PAYMENTS.replace("19.99", "19.98")), id="other bytes"),
        pytest.param(sha1(PAYMENTS).encode(), id="its own hash"),
        pytest.param(PAYMENTS.encode(), id="not compressed"),
        pytest.param(b"", id="nothing"),
        pytest.param(GOOD[:10], id="only gzip's header"),
        pytest.param(GOOD[: len(GOOD) // 2], id="half"),
        pytest.param(GOOD[:-1], id="a byte less"),
        pytest.param(GOOD[:-8] + b"\0\0\0\0" + GOOD[-4:], id="another checksum"),
        pytest.param(GOOD[:-4] + b"\1\0\0\0", id="another length"),
        pytest.param(GOOD[:20] + b"\xff\xff" + GOOD[22:], id="changed inside"),
        pytest.param(GOOD + b"rubbish", id="rubbish behind"),
        pytest.param(GOOD + GOOD, id="twice"),
        pytest.param(GOOD + GOOD[:15], id="the beginning of another"),
        pytest.param(b"PK\x03\x04" + GOOD, id="a zip"),
        pytest.param(gzip.compress(GOOD), id="compressed twice"),
        pytest.param(GOOD[:2] + b"\x07" + GOOD[3:], id="an unknown method"),
    ],
)
def test_a_file_that_is_not_what_its_hash_says_is_refused(body: bytes) -> None:
    ours, _, _ = bills(link(PAYMENTS), files=[body])
    with pytest.raises(BillBrokenError):
        ours.fetch(P, DAY, BytesIO())


@given(st.integers(0, len(GOOD) - 1), st.integers(0, 255))
def test_a_byte_that_was_changed_is_refused_or_nothing(place: int, byte: int) -> None:
    """Some bytes of gzip's header, such as the time, say nothing of the text."""
    body = GOOD[:place] + bytes([byte]) + GOOD[place + 1 :]
    ours, _, _ = bills()
    try:
        lines = list(ours.read(P, DAY, BytesIO(body)).lines())
    except BillBrokenError:
        return
    assert lines == list(ours.read(P, DAY, BytesIO(GOOD)).lines())


def bomb(megabytes: int) -> Callable[[BinaryIO], None]:
    """Return what writes a small file of so many megabytes of zeros."""
    member = gzip.compress(bytes(1_000_000))

    def write(into: BinaryIO) -> None:
        into.writelines(member for _ in range(megabytes))

    return write


def refused_at_a_peak_of(megabytes: int) -> int:
    with TemporaryFile("w+b") as file:
        ours, _, _ = bills(link(PAYMENTS), files=[bomb(megabytes)])
        tracemalloc.start()
        try:
            with pytest.raises(BillBrokenError, match=r"too long|hash"):
                ours.fetch(P, DAY, file)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()


def test_a_bomb_is_refused_and_memory_stays_flat(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bills_module, "BYTES_MAX", 200_000_000)
    small = refused_at_a_peak_of(2)
    assert refused_at_a_peak_of(210) < small + 1_000_000


@pytest.mark.slow
def test_two_gigabytes_are_refused_at_the_limit() -> None:
    assert refused_at_a_peak_of(2_010) < 4_000_000


def test_a_bomb_in_one_line_is_refused_at_its_beginning() -> None:
    ours, _, _ = bills()
    with TemporaryFile("w+b") as file:
        bomb(50)(file)
        tracemalloc.start()
        try:
            with pytest.raises(BillBrokenError, match="a line without an end"):
                list(ours.read(P, DAY, file).lines())
            assert tracemalloc.get_traced_memory()[1] < 2_000_000
        finally:
            tracemalloc.stop()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("body", [GOOD[:-9], GOOD + b"x", b"", b"x", GOOD[:5]])
def test_a_broken_file_that_is_read_is_refused(kind: BillKind, body: bytes) -> None:
    ours, _, _ = bills()
    with pytest.raises(BillBrokenError) as caught:
        list(ours.read(kind, DAY, BytesIO(body)).lines())
    assert isinstance(caught.value.facts["line"], int)

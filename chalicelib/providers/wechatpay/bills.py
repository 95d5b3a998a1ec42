"""Bills (账单): asked for, fetched whole, and believed only when their hash says so.

    ask ── {hash_type, hash_value, download_url}, signed by WeChat Pay
    download ── a file that nobody signed: its SHA-1, over the uncompressed text, must be that hash

Source: WeChat Pay's "申请交易账单", "申请资金账单", "申请分账账单" and "下载账单".
"""

import gzip
import hashlib
import zlib
from dataclasses import dataclass
from datetime import date
from typing import BinaryIO, cast
from urllib.parse import urlencode

from chalicelib.providers.bills import (
    BillBrokenError,
    BillFile,
    BillKind,
    BillNotReadyError,
    ReadBill,
)
from chalicelib.providers.port import ProviderOutcomeUnknownError, ProviderUnavailableError
from chalicelib.providers.transport import (
    ANSWER_BYTES_MAX,
    Answer,
    Downloads,
    NoAnswerError,
    NotSentError,
)
from chalicelib.providers.wechatpay.account import WeChatPayAccount
from chalicelib.providers.wechatpay.billrows import WeChatBill
from chalicelib.providers.wechatpay.doubt import DoubtError
from chalicelib.providers.wechatpay.exchange import Exchange, Question, Refusal
from chalicelib.providers.wechatpay.mapping import object_in, text_in

COMPRESSED_BYTES_MAX = 500_000_000
BYTES_MAX = 2_000_000_000  # some six million lines
_CHUNK_BYTES = 1 << 18
_EMPTY, _NOT_READY, _STALE = "NO_STATEMENT_EXIST", "STATEMENT_CREATING", "INVALID_REQUEST"
_TRIES_MAX = 3

_PATHS = {
    BillKind.PAYMENTS: ("/v3/bill/tradebill", {"bill_type": "SUCCESS"}),
    BillKind.REFUNDS: ("/v3/bill/tradebill", {"bill_type": "REFUND"}),
    BillKind.FLOWS: ("/v3/bill/fundflowbill", {"account_type": "BASIC"}),
    BillKind.SHARES: ("/v3/profitsharing/bills", {}),
}


@dataclass(frozen=True, slots=True)
class _Link:
    """Where a bill may be downloaded for some minutes, and what it must hash to."""

    url: str
    sha1: str


@dataclass(frozen=True, slots=True)
class WeChatBills:
    """One merchant's bills at WeChat Pay (the port's `Bills`)."""

    account: WeChatPayAccount
    exchange: Exchange
    downloads: Downloads

    def fetch(self, kind: BillKind, day: date, into: BinaryIO) -> BillFile | None:
        """Write a day's bill to a file, compressed as it came; None: the day was empty.

        A link that went stale is asked for anew.
        """
        for _ in range(_TRIES_MAX):
            link = self._asked(kind, day)
            if link is None:
                return None
            into.seek(0)
            into.truncate()
            refusal = self._downloaded(link, into)
            if refusal is None:
                size = _checked(into, link.sha1)
                return BillFile(kind=kind, day=day.isoformat(), sha1=link.sha1, bytes=size)
            if refusal.code != _STALE:
                raise refusal.error()
        raise ProviderUnavailableError("the link to the bill is stale at once")

    def read(self, kind: BillKind, day: date, compressed: BinaryIO) -> ReadBill:
        """Read a bill that was fetched."""
        compressed.seek(0)
        stream = cast("BinaryIO", gzip.GzipFile(fileobj=compressed, mode="rb"))
        return WeChatBill(kind=kind, day=day, mch_id=self.account.mch_id, stream=stream)

    def _asked(self, kind: BillKind, day: date) -> _Link | None:
        path, more = _PATHS[kind]
        query = urlencode({"bill_date": day.isoformat(), **more, "tar_type": "GZIP"})
        found = self.exchange.ask(Question("GET", f"{path}?{query}"), self._link)
        if not isinstance(found, Refusal):
            return found
        if found.code == _EMPTY:
            return None
        if found.code == _NOT_READY:
            raise BillNotReadyError("the provider is still making this bill", bill=kind)
        raise found.error()

    def _link(self, answer: Answer) -> _Link:
        fields = object_in(answer.body, bytes_max=ANSWER_BYTES_MAX)
        if fields.get("hash_type") != "SHA1":
            raise DoubtError("a kind of hash we don't know", reason="body")
        url = text_in(fields, "download_url", length_max=2048)
        if not any(url.startswith(f"{host}/") for host in self.account.hosts):
            raise DoubtError("a bill lies at none of WeChat Pay's addresses", reason="body")
        return _Link(url, text_in(fields, "hash_value", length_max=64).lower())

    def _downloaded(self, link: _Link, into: BinaryIO) -> Refusal | None:
        """Download a bill, or return the refusal; nobody signs a file."""
        headers = self.exchange.signed_for(link.url)
        try:
            refused = self.downloads.download(link.url, headers, into, COMPRESSED_BYTES_MAX)
        except NotSentError:
            raise ProviderUnavailableError("the bill can't be downloaded now") from None
        except NoAnswerError as error:
            raise ProviderOutcomeUnknownError("the bill did not come", reason=str(error)) from None
        return None if refused is None else self.exchange.refusal(refused)


def _checked(compressed: BinaryIO, sha1: str) -> int:
    """Return how long the text is, or raise `BillBrokenError`; never all of it at once."""
    digest, size = hashlib.sha1(usedforsecurity=False), 0
    compressed.seek(0)
    try:
        with gzip.GzipFile(fileobj=compressed, mode="rb") as text:
            while chunk := text.read(_CHUNK_BYTES):
                size += len(chunk)
                if size > BYTES_MAX:
                    raise BillBrokenError("the bill is too long", bytes_max=BYTES_MAX)
                digest.update(chunk)
    except (EOFError, gzip.BadGzipFile, zlib.error):
        raise BillBrokenError("the bill is not compressed as it should be") from None
    if digest.hexdigest() != sha1:
        raise BillBrokenError("the bill is not what its hash says")
    return size

"""The desk that makes bills (账单) out of the book, and hands their files out for five minutes."""

import gzip
import secrets
from calendar import monthrange
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from hashlib import sha1
from threading import Lock

from local.sandbox import flow_lines, share_lines, trade_lines
from local.sandbox.book import Book
from local.sandbox.flow_lines import balanced
from local.sandbox.orders import CHINA
from local.sandbox.plan import BillPlan, Broken, plan_key
from local.sandbox.planting import planted, spoiled
from local.sandbox.sharing import end_of_day
from local.sandbox.statement import Day, Layout, Line, StatementKind
from local.sandbox.wire import RefusalError, param_error

TOKEN_LIFE = timedelta(minutes=5)
MONTHS_BACK = 3
LAYOUTS: dict[StatementKind, Layout] = {
    **trade_lines.LAYOUTS,
    StatementKind.FUNDFLOW: flow_lines.LAYOUT,
    StatementKind.SHARES: share_lines.LAYOUT,
}


@dataclass(frozen=True, slots=True)
class Asked:
    """Which bill a merchant asks for, and how it shall be packed."""

    kind: StatementKind
    day: date
    mch_id: str
    sub_mchid: str | None = None
    zipped: bool = False


@dataclass(frozen=True, slots=True)
class Made:
    """A bill that can be downloaded; the hash is over its uncompressed text."""

    token: str
    hash_value: str


@dataclass(frozen=True, slots=True)
class File:
    """A bill's file, as its token gives it."""

    mch_id: str
    until: datetime
    body: bytes
    zipped: bool


class Statements:
    """Bills are made anew each time, under the book's lock; only what they told of refunds stays.

    `now` is the business's clock, `token_now` the one that tokens live by.
    """

    def __init__(
        self, book: Book, *, now: Callable[[], datetime], token_now: Callable[[], datetime]
    ) -> None:
        self._book = book
        self._now = now
        self._token_now = token_now
        self._files: dict[str, File] = {}
        self._lock = Lock()

    def make(self, asked: Asked) -> Made:
        """Make a bill and a token for its file."""
        self._check_day(asked.day)
        with self._book.lock:
            plan = self._plan(asked)
            self._tell_refunds(asked)
            end_of_day(self._book, asked.day)
            lines, _ = self._lines(asked, plan)
        if not lines:
            raise no_statement()
        text = spoiled(LAYOUTS[asked.kind], lines, plan.broken)
        hashed = b"" if plan.broken is Broken.WRONG_HASH else text
        zipped = asked.zipped and plan.broken is not Broken.NOT_GZIP
        token = self._kept(asked, gzip.compress(text, mtime=0) if zipped else text)
        return Made(token, sha1(hashed, usedforsecurity=False).hexdigest())

    def plan(self, plan: BillPlan, mch_id: str) -> None:
        """Plant this in a bill, and nothing else; what a past day's bill lacks is refused."""
        with self._book.lock:
            if plan.bill_date < self._today():
                _, missing = self._lines(Asked(plan.bill, plan.bill_date, mch_id), plan)
                if missing:
                    raise param_error("/differences", "账单中没有这个单号", value=missing[0])
            self._book.plans.keep(plan)

    def plans(self) -> list[BillPlan]:
        """Return what is planted, oldest first."""
        return self._book.plans.all()

    def _plan(self, asked: Asked) -> BillPlan:
        """Return what is planted in a bill; while it is still being made, count down and refuse."""
        plan = self._book.plans.get(plan_key(asked.kind, asked.day))
        if not plan:
            return BillPlan(bill=asked.kind, bill_date=asked.day)
        if plan.creating:
            self._book.plans.keep(plan.model_copy(update={"creating": plan.creating - 1}))
            raise RefusalError(400, "STATEMENT_CREATING", "账单生成中，请稍后再试")
        return plan

    def _lines(self, asked: Asked, plan: BillPlan) -> tuple[list[Line], list[str]]:
        """Return a bill's lines as the book has them, but for what is planted; and what isn't."""
        day, opening = Day(asked.day), 0
        match asked.kind:
            case StatementKind.FUNDFLOW:
                opening, lines = flow_lines.flow_lines(self._book, day, asked.mch_id, self._now())
            case StatementKind.SHARES:
                lines = share_lines.share_lines(self._book, day, asked.mch_id, asked.sub_mchid)
            case kind:
                lines = trade_lines.trade_lines(
                    self._book, kind, day, asked.mch_id, asked.sub_mchid
                )
        found, missing = planted(asked.kind, day, asked.mch_id, lines, plan.differences)
        if asked.kind is StatementKind.FUNDFLOW:
            found = balanced(opening, found)
        return found, missing

    def file(self, token: str, mch_id: str) -> File:
        """Return the file that a token stands for, to the merchant that asked for it."""
        with self._lock:
            file = self._files.get(token)
        if not file or file.until <= self._token_now():
            raise RefusalError(400, "INVALID_REQUEST", "下载地址无效或已过期，请重新申请账单")
        if file.mch_id != mch_id:
            raise RefusalError(403, "NO_AUTH", "无权下载该账单")
        return file

    def _check_day(self, day: date) -> None:
        today = self._today()
        if not months_before(today, MONTHS_BACK) <= day < today:
            raise RefusalError(400, "INVALID_REQUEST", "账单日期须为近三个月内、今天之前的日期")

    def _today(self) -> date:
        return self._now().astimezone(CHINA).date()

    def _tell_refunds(self, asked: Asked) -> None:
        """Write down how a day's refunds stand when they are first told of: so it stays."""
        if asked.kind not in {StatementKind.TRADE_ALL, StatementKind.TRADE_REFUND}:
            return
        for refund in trade_lines.refunds_of(self._book, Day(asked.day)):
            if refund.billed is None:
                self._book.refunds.keep(refund.evolve(billed=refund.state))

    def _kept(self, asked: Asked, body: bytes) -> str:
        now, token = self._token_now(), secrets.token_urlsafe(48)
        with self._lock:
            self._files = {key: file for key, file in self._files.items() if file.until > now}
            self._files[token] = File(asked.mch_id, now + TOKEN_LIFE, body, asked.zipped)
        return token


def no_statement() -> RefusalError:
    """Refuse a bill of a day on which nothing happened."""
    return RefusalError(400, "NO_STATEMENT_EXIST", "账单文件不存在")


def months_before(day: date, months: int) -> date:
    """Return the same day of an earlier month, or the last one it has."""
    years, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    return date(years, month + 1, min(day.day, monthrange(years, month + 1)[1]))

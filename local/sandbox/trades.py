"""The four verbs of an order: prepay (下单), query (查单), close (关单), pay (支付)."""

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta

from local.sandbox.book import Book
from local.sandbox.fees import fee_of
from local.sandbox.orders import Order, TradeState, china_time
from local.sandbox.prepay import PartnerPrepay, Prepay
from local.sandbox.wire import RefusalError, param_error

EXPIRY_MIN = timedelta(minutes=1)
EXPIRY_DEFAULT = timedelta(days=7)
EXPIRY_MAX = timedelta(days=90)
PREPAY_ID_LIFE = timedelta(hours=2)


class Trades:
    """Orders and what may happen to them; every verb decides and writes under the book's lock."""

    def __init__(self, book: Book, *, now: Callable[[], datetime]) -> None:
        self._book = book
        self._now = now

    def prepay(self, asked: Prepay | PartnerPrepay) -> Order:
        """Open an order, or answer for the one that has this number."""
        now = self._now()
        with self._book.lock:
            known = self._book.order(asked.out_trade_no)
            if not known:
                return self._book.keep(self._opened(asked, now))
            known = known.at(now)
            if known.state is TradeState.SUCCESS:
                raise order_paid()
            if known.state is TradeState.CLOSED:
                raise order_closed()
            if known.prepay != asked:
                raise RefusalError(
                    400, "INVALID_REQUEST", "201 商户订单号重复，且参数与原请求不一致"
                )
            if known.prepay_id_until <= now:
                known = known.evolve(
                    prepay_id=_prepay_id(now), prepay_id_until=now + PREPAY_ID_LIFE
                )
            return self._book.keep(known)

    def query(self, out_trade_no: str) -> Order:
        """Return an order by the merchant's number."""
        return self._existing(self._book.order(out_trade_no))

    def query_of(self, out_trade_no: str, sub_mchid: str | None) -> Order:
        """Return an order by the merchant's number; a sub-merchant's for that one alone."""
        return self._belonging(self._book.order(out_trade_no), sub_mchid)

    def query_transaction(self, transaction_id: str, sub_mchid: str | None = None) -> Order:
        """Return an order by WeChat Pay's number; a sub-merchant's for that one alone."""
        return self._belonging(self._book.order_by_transaction_id(transaction_id), sub_mchid)

    def query_prepay(self, prepay_id: str) -> Order:
        """Return an order by its prepay_id, while that lives."""
        return self._existing(self._book.order_by_prepay_id(prepay_id))

    def close(self, out_trade_no: str, sub_mchid: str | None = None) -> None:
        """Close an unpaid order; closing again is right too."""
        with self._book.lock:
            order = self.query_of(out_trade_no, sub_mchid)
            if order.state is TradeState.SUCCESS:
                raise order_paid()
            self._book.keep(order.evolve(state=TradeState.CLOSED))

    def pay(self, out_trade_no: str, *, force: bool = False) -> Order:
        """Take the payer's money; paying what is paid changes nothing.

        `force` pays a closed order too, which WeChat Pay never does: for tests of late money.
        """
        now = self._now()
        with self._book.lock:
            order = self.query(out_trade_no)
            if order.state is TradeState.SUCCESS:
                return order
            if order.state is TradeState.CLOSED and not force:
                raise order_closed()
            basis_points = self._book.preferences.fee_basis_points
            paid = order.evolve(
                state=TradeState.SUCCESS,
                transaction_id=self._transaction_id(now),
                paid_at=now,
                fee_basis_points=basis_points,
                fee=fee_of(order.prepay.amount.total, basis_points),
            )
            return self._book.keep(paid)

    def _belonging(self, order: Order | None, sub_mchid: str | None) -> Order:
        found = self._existing(order)
        return self._existing(found if found.prepay.sub_mchid == sub_mchid else None)

    def _existing(self, order: Order | None) -> Order:
        if not order:
            raise RefusalError(404, "ORDER_NOT_EXIST", "订单不存在")
        return order.at(self._now())

    def _opened(self, asked: Prepay | PartnerPrepay, now: datetime) -> Order:
        expires_at = now + EXPIRY_DEFAULT
        if asked.time_expire:
            expires_at = max(datetime.fromisoformat(asked.time_expire), now + EXPIRY_MIN)
        if expires_at > now + EXPIRY_MAX:
            raise param_error("/time_expire", "最长可设置90天", value=asked.time_expire)
        return Order(
            prepay=asked,
            expires_at=expires_at,
            prepay_id=_prepay_id(now),
            prepay_id_until=now + PREPAY_ID_LIFE,
        )

    def _transaction_id(self, now: datetime) -> str:
        while True:
            day = china_time(now)[:10].replace("-", "")
            number = f"420000{secrets.randbelow(10**4):04}{day}{secrets.randbelow(10**10):010}"
            if not self._book.order_by_transaction_id(number):
                return number


def order_paid() -> RefusalError:
    """Refuse what can't be done to a paid order."""
    return RefusalError(400, "ORDERPAID", "该订单已支付")


def order_closed() -> RefusalError:
    """Refuse what can't be done to a closed order."""
    return RefusalError(400, "ORDER_CLOSED", "该订单已关闭")


def _prepay_id(now: datetime) -> str:
    stamp = china_time(now)[:19].translate(str.maketrans("", "", "-:T"))
    return f"wx{stamp}{secrets.token_hex(10)}"

"""The cashier (收银台) a person opens to play the payer: one amount, one green button."""

from collections.abc import Callable
from datetime import timedelta
from html import escape
from importlib.resources import files
from string import Template
from urllib.parse import parse_qsl

from local.sandbox.messenger import Messenger
from local.sandbox.orders import Order, TradeState, china_time
from local.sandbox.trades import Trades
from local.sandbox.wire import HTML_TYPE, Answer, Handler, RefusalError, Request

SAFE = {
    "Content-Type": HTML_TYPE,
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


class Cashier:
    """Pages of one order: to pay, paid, closed, given up."""

    def __init__(self, trades: Trades, messenger: Messenger) -> None:
        self._trades = trades
        self._messenger = messenger

    def routes(self) -> dict[str, Handler]:
        """Return the page and its form."""
        return {
            "GET /cashier/{prepay_id}": self._show,
            "POST /cashier/{prepay_id}": self._press,
        }

    def _show(self, request: Request, prepay_id: str) -> Answer:
        del request
        return self._order_page(prepay_id, _current)

    def _press(self, request: Request, prepay_id: str) -> Answer:
        pressed = dict(parse_qsl(request.body.decode("utf-8", "replace"))).get("action")
        if pressed == "cancel":
            return self._order_page(prepay_id, _cancelled)
        if pressed != "pay":
            return _notice(400, "没有看懂这个操作", "请返回后重试。")
        return self._order_page(prepay_id, self._paid)

    def _paid(self, order: Order) -> Answer:
        if order.state is TradeState.NOTPAY:
            paid = self._trades.pay(order.out_trade_no)
            notice = self._messenger.notice(paid)
            self._messenger.send_later(notice, times=1, delay=timedelta())
        return Answer(303, headers={**SAFE, "Location": f"/cashier/{order.prepay_id}"})

    def _order_page(self, prepay_id: str, page: Callable[[Order], Answer]) -> Answer:
        try:
            return page(self._trades.query_prepay(prepay_id))
        except RefusalError as refusal:
            return _notice(refusal.status, "无法支付", refusal.message)


def yuan(fen: int) -> str:
    """Spell fen as yuan, with two decimals."""
    return f"{fen // 100:,}.{fen % 100:02d}"


def _current(order: Order) -> Answer:
    match order.state:
        case TradeState.NOTPAY:
            return _page(200, "确认支付", "pay.html", order)
        case TradeState.SUCCESS:
            return _page(200, "支付成功", "paid.html", order)
        case TradeState.CLOSED:
            return _notice(200, "订单已关闭", "这笔订单已关闭或已过期，不能再支付。")


def _cancelled(order: Order) -> Answer:
    if order.state is not TradeState.NOTPAY:
        return _current(order)
    return _page(200, "已取消", "cancelled.html", order)


def _page(status: int, title: str, name: str, order: Order) -> Answer:
    facts = {
        "description": order.prepay.description,
        "amount": yuan(order.prepay.amount.total),
        "out_trade_no": order.out_trade_no,
        "mchid": order.prepay.payee,
        "transaction_id": order.transaction_id or "",
        "paid_at": china_time(order.paid_at)[:19].replace("T", " ") if order.paid_at else "",
        "prepay_id": order.prepay_id,
    }
    return _framed(status, title, name, facts)


def _notice(status: int, title: str, reason: str) -> Answer:
    return _framed(status, title, "notice.html", {"heading": title, "reason": reason})


def _framed(status: int, title: str, name: str, facts: dict[str, str]) -> Answer:
    escaped = {key: escape(value) for key, value in facts.items()}
    content = _template(name).substitute(escaped)
    frame = _template("frame.html").substitute(title=escape(title), content=content)
    return Answer(status, frame.encode(), SAFE)


def _template(name: str) -> Template:
    return Template(files("local.sandbox").joinpath("pages", name).read_text(encoding="utf-8"))

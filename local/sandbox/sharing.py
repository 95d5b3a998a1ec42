"""The verbs of profit sharing: share (分账), unfreeze (解冻), take back (回退), look."""

import secrets
from collections.abc import Callable
from datetime import date, datetime, timedelta

from local.sandbox.book import Book
from local.sandbox.funds import FROZEN_FOR, Funds, funds, returns_of, splits_of
from local.sandbox.orders import CHINA, Order, china_time
from local.sandbox.shares import (
    ReceiverGone,
    Result,
    ReturnForm,
    Share,
    ShareForm,
    ShareReturn,
    Split,
    SplitForm,
    UnfreezeForm,
)
from local.sandbox.wire import RefusalError

SHARED_AFTER = timedelta(minutes=1)
RETURNED_WITHIN = timedelta(days=180)
SPLITS_MAX = 50
BASIS = 10_000


class Sharing:
    """Share orders and returns; every verb decides and writes under the book's lock."""

    def __init__(self, book: Book, *, now: Callable[[], datetime]) -> None:
        self._book = book
        self._now = now

    def share(self, asked: SplitForm) -> Split:
        """Share frozen money, or answer for the order that has this number."""
        now = self._now()
        with self._book.lock:
            if known := self._book.splits.get(asked.out_order_no):
                if not known.asked or known.asked.content != asked.content:
                    raise _refused("商户分账单号重复，且参数与原请求不一致")
                return known
            order = self._frozen_order(asked.transaction_id, asked.sub_mchid)
            held = funds(self._book, order, now)
            self._check_time(order, now)
            self._check_receivers(asked)
            self._check_amount(asked, held)
            split = Split(
                out_order_no=asked.out_order_no,
                order_id=_number("3008", now),
                transaction_id=asked.transaction_id,
                sub_mchid=asked.sub_mchid,
                created_at=now,
                asked=asked,
                shares=tuple(_share(each, now) for each in asked.receivers),
                released=held.frozen - asked.amount if asked.unfreeze_unsplit else 0,
                releases=asked.unfreeze_unsplit,
            )
            return self._begun(split, now)

    def unfreeze(self, asked: UnfreezeForm) -> Split:
        """Give what is left to the merchant; under a used number say yes and do nothing."""
        now = self._now()
        with self._book.lock:
            if known := self._book.splits.get(asked.out_order_no):
                return known
            order = self._frozen_order(asked.transaction_id, asked.sub_mchid)
            for split in splits_of(self._book, asked.transaction_id):
                self._settled(split)
            left = funds(self._book, order, now).frozen
            if not left:
                raise RefusalError(403, "NOT_ENOUGH", "没有可解冻的金额")
            payee = ShareForm(
                type="MERCHANT_ID",
                account=order.prepay.payee,
                amount=left,
                description=asked.description,
            )
            split = Split(
                out_order_no=asked.out_order_no,
                order_id=_number("3008", now),
                transaction_id=asked.transaction_id,
                sub_mchid=asked.sub_mchid,
                created_at=now,
                asked=None,
                shares=(_share(payee, now),),
                released=left,
                releases=True,
            )
            return self._begun(split, now)

    def look(self, out_order_no: str, transaction_id: str, sub_mchid: str | None) -> Split:
        """Return a share order or an unfreezing; what is under way comes to its end."""
        with self._book.lock:
            split = self._book.splits.get(out_order_no)
            if not split or (split.transaction_id, split.sub_mchid) != (transaction_id, sub_mchid):
                raise _no_record()
            return self._settled(split)

    def unsplit(self, transaction_id: str) -> int:
        """Return what of a payment is still frozen."""
        with self._book.lock:
            order = self._paid_order(transaction_id)
            return funds(self._book, order, self._now()).frozen

    def take_back(self, asked: ReturnForm) -> ShareReturn:
        """Take a share back, or answer for the return that has this number."""
        now = self._now()
        with self._book.lock:
            if known := self._book.returns.get(asked.out_return_no):
                if known.asked != asked:
                    raise _refused("商户回退单号重复，且参数与原请求不一致")
                return known
            split = self._returnable(asked)
            back = ShareReturn(
                asked=asked,
                out_order_no=split.out_order_no,
                order_id=split.order_id,
                return_id=_number("3108", now),
                created_at=now,
            )
            if self._book.preferences.sharing_instant:
                back = back.settled(now, self._book.preferences.failing)
            return self._book.returns.keep(back)

    def look_back(
        self, out_return_no: str, out_order_no: str, sub_mchid: str | None
    ) -> ShareReturn:
        """Return what became of a return; what is under way comes to its end."""
        with self._book.lock:
            back = self._book.returns.get(out_return_no)
            if not back or (back.out_order_no, back.asked.sub_mchid) != (out_order_no, sub_mchid):
                raise _no_record()
            return self._book.returns.keep(
                back.settled(self._now(), self._book.preferences.failing)
            )

    def add(self, receiver: ReceiverGone) -> None:
        """Take a receiver on; again is right too."""
        self._book.receivers.keep(_identity(receiver))

    def remove(self, receiver: ReceiverGone) -> None:
        """Let a receiver go; again is right too."""
        self._book.receivers.drop(receiver.key)

    def _begun(self, split: Split, now: datetime) -> Split:
        if self._book.preferences.sharing_instant:
            split = split.settled(now, self._failing(split))
        return self._book.splits.keep(split)

    def _settled(self, split: Split) -> Split:
        if split.finished:
            return split
        return self._book.splits.keep(split.settled(self._now(), self._failing(split)))

    def _failing(self, split: Split) -> dict[str, str]:
        return self._book.preferences.failing if split.asked else {}

    def _paid_order(self, transaction_id: str) -> Order:
        order = self._book.order_by_transaction_id(transaction_id)
        if not order:
            raise RefusalError(404, "ORDER_NOT_EXIST", "订单不存在")
        return order

    def _frozen_order(self, transaction_id: str, sub_mchid: str | None) -> Order:
        order = self._paid_order(transaction_id)
        if order.prepay.sub_mchid != sub_mchid:
            raise RefusalError(404, "ORDER_NOT_EXIST", "订单不存在")
        if not order.shares:
            raise _refused("非分账订单不支持分账")
        return order

    def _check_time(self, order: Order, now: datetime) -> None:
        assert order.paid_at
        if self._book.preferences.sharing_waits and now < order.paid_at + SHARED_AFTER:
            raise _refused("订单处理中，暂时无法分账，请稍后再试")
        if order.paid_at + FROZEN_FOR <= now:
            raise _refused("订单已超过分账期限，剩余资金已解冻")

    def _check_receivers(self, asked: SplitForm) -> None:
        keys = [_key(asked, each) for each in asked.receivers]
        if len(set(keys)) < len(keys):
            raise _refused("分账接收方重复")
        known = self._book.receivers
        if not self._book.preferences.receivers_open and not all(map(known.get, keys)):
            raise _refused("分账接收方未添加")

    def _check_amount(self, asked: SplitForm, held: Funds) -> None:
        earlier = splits_of(self._book, asked.transaction_id)
        if any(split.releases for split in earlier):
            raise _refused("订单已完结分账，资金已解冻")
        if asked.amount > held.frozen:
            raise RefusalError(403, "NOT_ENOUGH", "分账金额不足")
        cap = held.total * self._book.preferences.max_ratio // BASIS
        if sum(held.shared.values()) + held.pending + asked.amount > cap:
            raise RefusalError(403, "RULE_LIMIT", "超过最大分账比例")
        if len(earlier) >= SPLITS_MAX:
            raise RefusalError(403, "RULE_LIMIT", "超过最大分账次数")

    def _returnable(self, asked: ReturnForm) -> Split:
        """Return the order whose share may come back, or say why it may not."""
        split = self._book.splits.get(asked.out_order_no) if asked.out_order_no else None
        if asked.order_id:
            same = (each for each in self._book.splits.all() if each.order_id == asked.order_id)
            split = next(same, None)
        if not split or not split.asked or split.sub_mchid != asked.sub_mchid:
            raise _no_record()
        if split.created_at + RETURNED_WITHIN <= self._now():
            raise _refused("超过可回退期限")
        left = sum(
            share.amount
            for share in split.shares
            if (share.type, share.account) == ("MERCHANT_ID", asked.return_mchid)
            and share.result is Result.SUCCESS
        ) - sum(
            back.asked.amount
            for back in returns_of(self._book, split)
            if back.result != "FAILED" and back.asked.return_mchid == asked.return_mchid
        )
        if asked.amount > left:
            raise _refused("回退金额超过可回退金额")
        return split


def _share(asked: ShareForm, now: datetime) -> Share:
    return Share(
        type=asked.type,
        account=asked.account,
        amount=asked.amount,
        description=asked.description,
        detail_id=_number("3601", now),
        created_at=now,
    )


def _identity(receiver: ReceiverGone) -> ReceiverGone:
    return ReceiverGone.model_validate(receiver.model_dump(include=set(ReceiverGone.model_fields)))


def _key(asked: SplitForm, share: ShareForm) -> str:
    return f"{asked.sub_mchid or ''} {share.type} {share.account}"


def _number(prefix: str, now: datetime) -> str:
    day = china_time(now)[:10].replace("-", "")
    return f"{prefix}{day}{secrets.randbelow(10**16):016}"


def _refused(reason: str) -> RefusalError:
    return RefusalError(400, "INVALID_REQUEST", reason)


def _no_record() -> RefusalError:
    return RefusalError(404, "RESOURCE_NOT_EXISTS", "记录不存在")


def end_of_day(book: Book, day: date) -> None:
    """Bring to its end what was asked for on a day or before, and nobody looked at since."""
    with book.lock:
        failing = book.preferences.failing
        for split in book.splits.all():
            if not split.finished and _on(split.created_at) <= day:
                ended = split.settled(split.created_at, failing if split.asked else {})
                book.splits.keep(ended)
        for back in book.returns.all():
            if _on(back.created_at) <= day:
                book.returns.keep(back.settled(back.created_at, failing))


def _on(instant: datetime) -> date:
    return instant.astimezone(CHINA).date()

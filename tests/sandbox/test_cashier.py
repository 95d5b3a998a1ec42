"""The page on which a person plays the payer."""

import pytest

from tests.sandbox.shop import NUMBER, Clock, Mailbox, Reply, Shop

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def press(shop: Shop, prepay_id: str, action: str) -> Reply:
    return shop.send("POST", f"/cashier/{prepay_id}", f"action={action}".encode(), FORM)


def page(shop: Shop, prepay_id: str) -> str:
    return shop.send("GET", f"/cashier/{prepay_id}", b"", {}).body.decode()


@pytest.mark.parametrize(
    ("total", "spelled"),
    [(1, "0.01"), (1999, "19.99"), (100, "1.00"), (123_456_789, "1,234,567.89")],
)
def test_the_page_asks_for_the_amount_in_yuan(shop: Shop, total: int, spelled: str) -> None:
    text = page(shop, shop.prepaid(amount={"total": total}))
    assert f"<small>¥</small>{spelled}<" in text
    assert "一杯拿铁" in text
    assert ">支付</button>" in text
    assert ">取消</button>" in text


def test_nothing_is_loaded_from_elsewhere_and_nothing_runs(shop: Shop) -> None:
    prepay_id = shop.prepaid(description="<script>alert(1)</script> & \"'$amount")
    reply = shop.send("GET", f"/cashier/{prepay_id}", b"", {})
    text = reply.body.decode()
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;&#x27;$amount" in text
    assert "<script" not in text
    assert "//" not in text.replace("<!doctype", "")
    assert reply.headers["content-security-policy"].startswith("default-src 'none'")


def test_pressing_pay_pays_once_and_tells_the_merchant(shop: Shop, mailbox: Mailbox) -> None:
    prepay_id = shop.prepaid()
    pressed = press(shop, prepay_id, "pay")
    assert (pressed.status, pressed.headers["location"]) == (303, f"/cashier/{prepay_id}")
    mailbox.wait_for(1)
    transaction_id = shop.query().json["transaction_id"]
    text = page(shop, prepay_id)
    assert "支付成功" in text
    assert transaction_id in text
    assert press(shop, prepay_id, "pay").status == 303
    assert shop.query().json["transaction_id"] == transaction_id
    assert len(mailbox.received) == 1


def test_pressing_cancel_leaves_the_order_unpaid(shop: Shop, mailbox: Mailbox) -> None:
    prepay_id = shop.prepaid()
    assert "已取消" in press(shop, prepay_id, "cancel").body.decode()
    assert shop.query().json["trade_state"] == "NOTPAY"
    assert not mailbox.received
    assert "确认支付" in page(shop, prepay_id)


def test_a_closed_order_can_t_be_paid(shop: Shop) -> None:
    prepay_id = shop.prepaid()
    shop.close()
    assert "订单已关闭" in page(shop, prepay_id)
    assert press(shop, prepay_id, "pay").status == 303
    assert "订单已关闭" in press(shop, prepay_id, "cancel").body.decode()
    assert shop.query().json["trade_state"] == "CLOSED"


def test_an_old_prepay_id_opens_nothing(shop: Shop, clock: Clock) -> None:
    old = shop.prepaid()
    clock.forward(hours=2)
    new = shop.prepaid()
    assert "订单不存在" in page(shop, old)
    assert "确认支付" in page(shop, new)


@pytest.mark.parametrize("action", ["", "steal"])
def test_another_button_is_not_understood(shop: Shop, action: str) -> None:
    assert press(shop, shop.prepaid(), action).status == 400


def test_an_unknown_order_is_said_in_chinese(shop: Shop) -> None:
    reply = shop.send("GET", "/cashier/wx%3Cb%3E", b"", {})
    assert reply.status == 404
    assert "订单不存在" in reply.body.decode()
    assert NUMBER not in reply.body.decode()

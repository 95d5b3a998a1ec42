"""Many at once: one order, one prepay_id, one payment."""

from concurrent.futures import ThreadPoolExecutor

from tests.sandbox.shop import NUMBER, Mailbox, Shop

CROWD = 12


def test_a_number_prepaid_by_many_is_one_order(shop: Shop) -> None:
    with ThreadPoolExecutor(CROWD) as crowd:
        prepay_ids = set(crowd.map(lambda _: shop.prepaid(), range(CROWD)))
    assert len(prepay_ids) == 1


def test_an_order_paid_by_many_is_one_payment(shop: Shop, mailbox: Mailbox) -> None:
    shop.prepaid()
    with ThreadPoolExecutor(CROWD) as crowd:
        answers = [
            reply.json
            for reply in crowd.map(lambda _: shop.control("pay", out_trade_no=NUMBER), range(CROWD))
        ]
    assert len({answer["transaction_id"] for answer in answers}) == 1
    assert len({letter.json["id"] for letter in mailbox.wait_for(CROWD)}) == 1
    assert len(shop.listed("notifications")[0]["deliveries"]) == CROWD


def test_an_order_is_closed_or_paid_but_never_both(shop: Shop) -> None:
    for round_number in range(8):
        number = f"order-{round_number}"
        shop.prepaid(number)
        with ThreadPoolExecutor(2) as crowd:
            closing = crowd.submit(shop.close, number)
            paying = crowd.submit(shop.control, "pay", out_trade_no=number, deliver=False)
        state = shop.query(number).json["trade_state"]
        assert (closing.result().status, paying.result().status, state) in {
            (204, 400, "CLOSED"),
            (400, 200, "SUCCESS"),
        }

"""Shoukuan (收款): money from the tap on 支付 until it is held, booked in a real ledger."""

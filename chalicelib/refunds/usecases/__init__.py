"""Refunds: accepted, collected where they were released, sent, and followed to their end."""

from chalicelib.refunds.usecases.accept import AcceptRefund
from chalicelib.refunds.usecases.advance import AdvanceRefund, SweepRefunds, TellWord
from chalicelib.refunds.usecases.collect import CollectRefund
from chalicelib.refunds.usecases.hands import RefundHands
from chalicelib.refunds.usecases.read import ReadRefunds, Shown
from chalicelib.refunds.usecases.unshipped import RefundUnshipped

__all__ = [
    "AcceptRefund",
    "AdvanceRefund",
    "CollectRefund",
    "ReadRefunds",
    "RefundHands",
    "RefundUnshipped",
    "Shown",
    "SweepRefunds",
    "TellWord",
]

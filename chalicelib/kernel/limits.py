"""What is limited, by name; how often is said in `edge/limits.py`, and may be set otherwise."""

from enum import StrEnum


class Limited(StrEnum):
    """What somebody may do so many times a minute."""

    SIGN_IN = "sign_in"
    ORDER = "order"
    PAYMENT = "payment"
    REFUND = "refund"
    DISPUTE = "dispute"
    EVIDENCE = "evidence"
    RUN = "run"  # a settlement or a reconciliation, which goes through a day's money
    REPORT = "report"  # each asks every list there is
    UNAUTHENTICATED = "unauthenticated"
    FORGED = "forged"  # notifications that are not the provider's

"""Shoukuan (收款): money from the tap on 支付 until it is held, booked in a real ledger."""

import gc

# A process that starts makes a hundred thousand objects that stay, and Python would look through
# them for garbage a hundred times: an eighth of a cold start. Reference counts free the rest.
gc.set_threshold(200_000)

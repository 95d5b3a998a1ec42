"""People: shoppers and merchants.

Owns the heads of members and merchants, and what was agreed with each. Touches no account.
Emits `member.joined`, `merchant.registered`, `merchant.terms_agreed`. Hears nothing.
"""

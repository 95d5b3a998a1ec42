"""People: shoppers and merchants.

Owns the heads of members and merchants. Touches no account.
Emits `member.joined`, `merchant.registered`. Hears nothing.
"""

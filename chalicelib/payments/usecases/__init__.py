"""Starting a payment, booking what was paid, and closing what nobody paid."""

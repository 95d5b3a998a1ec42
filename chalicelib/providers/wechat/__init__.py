"""The mini-program platform itself: who a shopper is."""

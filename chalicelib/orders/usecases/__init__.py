"""Placing orders, reading them, listing them, and finding those whose time is over."""

from chalicelib.orders.usecases.expiry import RememberDue, SweepExpired
from chalicelib.orders.usecases.lists import ListOrders
from chalicelib.orders.usecases.place import PlaceOrder
from chalicelib.orders.usecases.read import ReadOrders

__all__ = ["ListOrders", "PlaceOrder", "ReadOrders", "RememberDue", "SweepExpired"]

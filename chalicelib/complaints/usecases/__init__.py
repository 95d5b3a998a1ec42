"""Taking complaints up, and answering them."""

from chalicelib.complaints.usecases.answer import AnswerComplaints, TellAnswered
from chalicelib.complaints.usecases.take import TakeComplaints, TellTaken

__all__ = ["AnswerComplaints", "TakeComplaints", "TellAnswered", "TellTaken"]

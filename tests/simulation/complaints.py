"""What must be true of complaints: each is taken up once, and answered, or a person was told."""

from collections import Counter
from collections.abc import Iterator

from chalicelib.complaints.model import LEFT, Case, CaseState, Taken
from chalicelib.complaints.store import read_case
from chalicelib.disputes.store import read_evidence
from chalicelib.providers.complaints import Complaint, ComplaintStatus
from tests.simulation.stage import Stage

_BY_HAND = frozenset({CaseState.UNHELD, CaseState.REFUSED})


def always(stage: Stage) -> Iterator[str]:
    """Name complaints that stand in two disputes, or in none."""
    expected: Counter[tuple[str, str, str]] = Counter()
    for case in _cases(stage):
        if case.dispute_id is not None:
            expected[case.order_id, case.dispute_id, case.complaint_id] += 1
        elif case.state is not CaseState.UNHELD:
            yield f"{case.name} is {case.state}, and goes with no dispute"
    stated: Counter[tuple[str, str, str]] = Counter()
    for key, item in stage.memory.items.items():
        if key.pk.startswith("ord_") and key.sk.startswith("said/"):
            said = read_evidence(key, item)
            if said.text.startswith("微信支付投诉 "):
                complaint_id = said.text.split(" ")[1].partition("：")[0]
                stated[said.order_id, said.dispute_id, complaint_id] += 1
    if stated != expected:
        yield f"complaints stand in disputes as {stated - expected}, not as {expected - stated}"
    for (order_id, complaint_id), times in _rounds(expected).items():
        made = stage.complained.complaints[complaint_id].times
        if times > made:
            yield f"{complaint_id} stands in {times} disputes of {order_id}"


def when_settled(stage: Stage) -> Iterator[str]:
    """Name complaints that nobody answered though nobody was told."""
    cases: dict[tuple[str, int], list[Case]] = {}
    for case in _cases(stage):
        cases.setdefault((case.complaint_id, case.times), []).append(case)
        if case.state in LEFT:
            yield f"{case.name} is {case.state} for ever"
    strangers = {one for taken, one in stage.complaint_words if taken is Taken.UNKNOWN}
    unheld = {one for taken, one in stage.complaint_words if taken is Taken.UNHELD}
    for complaint in stage.complained.complaints.values():
        found = cases.get((complaint.id, complaint.times), [])
        by_hand = any(case.state in _BY_HAND for case in found) or complaint.id in strangers
        if complaint.status is not ComplaintStatus.PROCESSED and not by_hand:
            yield f"{complaint.id} is {complaint.status} for ever"
        for case in found:
            if case.state is CaseState.UNHELD and case.complaint_id not in unheld:
                yield f"{case.name} is left to a person, and none was told"
            if case.state is CaseState.ANSWERED and not _was_told(stage, complaint, case):
                yield f"{case.name} is completed, and its payer was not told how it ended"


def _was_told(stage: Stage, complaint: Complaint, case: Case) -> bool:
    words = stage.complained.said(complaint.id)
    told = any(str(case.dispute_id) in one for one in words)
    return told or complaint.id in stage.complained.withdrawn


def _rounds(expected: Counter[tuple[str, str, str]]) -> Counter[tuple[str, str]]:
    rounds: Counter[tuple[str, str]] = Counter()
    for order_id, _, complaint_id in expected:
        rounds[order_id, complaint_id] += 1
    return rounds


def _cases(stage: Stage) -> list[Case]:
    return [
        read_case(key, item)
        for key, item in stage.memory.items.items()
        if key.pk.startswith("ord_") and key.sk.startswith("complaint/")
    ]

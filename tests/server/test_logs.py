"""What processes of many threads say: a line is a line."""

import io
import json
import threading
import time

from typing_extensions import override

from server.logs import Lines


class Hasty(io.StringIO):
    """An output that lets another thread in at every write."""

    @override
    def write(self, text: str, /) -> int:
        time.sleep(0.0001)
        return super().write(text)


def test_lines_of_many_threads_are_never_mixed() -> None:
    out = Hasty()
    lines = Lines(out)

    def say() -> None:
        for number in range(50):
            print(json.dumps({"n": number}), file=lines)

    threads = [threading.Thread(target=say) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len([json.loads(line) for line in out.getvalue().splitlines()]) == 200

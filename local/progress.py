"""How far a long job is: a bar that is redrawn on a terminal, a line a stage anywhere else."""

import time
from dataclasses import dataclass, field
from typing import TextIO

STAGES = ("payments", "refunds", "flows", "shares", "ours", "compared")
_WIDTH = 24
_REDRAWN_SECONDS = 0.1


@dataclass
class ProgressBar:
    """Hears what stage a job is in, and how many of its lines are done."""

    to: TextIO
    stage: str = ""
    lines: int = 0
    began: float = field(default_factory=time.monotonic)
    drawn: float = 0.0

    def tell(self, stage: str, lines: int) -> None:
        """Show it."""
        now = time.monotonic()
        if stage != self.stage or lines < self.lines:
            self._finish()
            self.stage, self.began, self.drawn = stage, now, 0.0
        self.lines = lines
        if self.to.isatty() and now - self.drawn >= _REDRAWN_SECONDS:
            self.drawn = now
            self._draw()

    def end(self) -> None:
        """Say the last word."""
        self._finish()
        if self.to.isatty():
            print("\r\x1b[K", end="", file=self.to, flush=True)
        self.stage, self.lines = "", 0

    def _finish(self) -> None:
        """End a stage: anywhere but on a terminal, in a line."""
        if self.stage and not self.to.isatty():
            print(f"  {self._said()}", file=self.to, flush=True)

    def _draw(self) -> None:
        done = STAGES.index(self.stage) + 1 if self.stage in STAGES else len(STAGES)
        full = _WIDTH * done // len(STAGES)
        bar = "█" * full + "░" * (_WIDTH - full)
        print(f"\r\x1b[K  {bar} {self._said()}", end="", file=self.to, flush=True)

    def _said(self) -> str:
        seconds = time.monotonic() - self.began
        rate = f", {int(self.lines / seconds):,} a second" if seconds >= _REDRAWN_SECONDS else ""
        return f"{self.stage:<9} {self.lines:>11,} lines{rate}"

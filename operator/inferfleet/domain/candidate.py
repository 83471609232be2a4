"""One way to serve a demand, from the first filter to the record, and what it costs.

A `Candidate` is frozen: each step of a decision returns the next stage of it (`refused`, `sized`, `quoted`, `judged`).
Pure values; what is asked of a candidate is the business of `plan`.
"""

from dataclasses import dataclass
from decimal import Decimal

from inferfleet.api.enums import CapacityType
from inferfleet.api.reasons import Reason, Verdict
from inferfleet.domain.engine import EngineSettings
from inferfleet.domain.gpu import Price
from inferfleet.domain.memory import MemoryEstimate
from inferfleet.domain.money import NOTHING, Charge, RunRate, Total
from inferfleet.domain.placement import Kind, Placement
from inferfleet.domain.refused import Refused, Words
from inferfleet.domain.speed import Speed

INFINITE = Decimal("Infinity")


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """What a candidate costs with its counts.

    `price` is what a GPU-hour is charged; `stated` is False where nobody states it any more, and what runs is charged
    what it was. `replica` is the rate of one replica, `run_rate` that of all. `claim` is what the ledger holds: the
    rate of the reserved count, or the total of a batch. `compared` is the USD by which candidates are compared: a
    batch's total, else what the recommended count costs in a month.
    """

    price: Price
    stated: bool
    replica: RunRate
    run_rate: RunRate
    claim: Charge
    compared: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """Replicas: what the plan recommends, what would run, what the ledger holds.

    `short` replicas were asked for and not granted, `short_message` says why: growth of something that runs.
    """

    recommended: int = 0
    replicas: int = 0
    reserved: int = 0
    short: int = 0
    short_message: str = ""


class Judgement(Refused[Reason]):
    """What the record says of a candidate that could run: chosen or not, and why."""

    __slots__ = ("verdict",)

    def __init__(self, verdict: Verdict, reason: Reason, words: Words) -> None:
        """Take the verdict with its reason, and the sentence or what will word it."""
        super().__init__(reason, words)
        self.verdict = verdict


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A pool and a tensor parallel size, with every number that was computed before it was accepted or refused.

    Assessed: `needed` replicas carry the rate, before limits; `hours` is how long a batch runs (None: real-time work);
    a `probe` fits only within the error of the estimate; `slower` says that it runs already and is slower than the
    objectives (empty: it is not). `running` is the placement that runs exactly this. `refusal` is the first objection
    (None: it could run now). `judgement` is the record's, of those that were not refused.
    """

    pool: str
    gpu_type: str
    capacity_type: CapacityType
    tensor_parallel_size: int
    engine: EngineSettings | None = None
    memory: MemoryEstimate | None = None
    speed: Speed | None = None
    needed: int = 0
    hours: float | None = None
    probe: bool = False
    slower: str = ""
    count: Count = Count()
    quote: Quote | None = None
    running: Placement | None = None
    refusal: Refused[Reason] | None = None
    judgement: Judgement | None = None

    def _stage(self, **changes: object) -> "Candidate":
        """What `dataclasses.replace` does, without asking for each field: a cycle does it ten thousand times."""
        copy = object.__new__(Candidate)
        copy.__dict__.update(self.__dict__, **changes)
        return copy

    def refused(self, refusal: Refused[Reason] | None) -> "Candidate":
        """The candidate with an objection, or without the one that it had."""
        return self._stage(refusal=refusal)

    def in_pool(self, name: str) -> "Candidate":
        """The candidate of another pool of the same hardware."""
        return self._stage(pool=name)

    def fitted(self, engine: EngineSettings, memory: MemoryEstimate) -> "Candidate":
        """The candidate with engine settings and what they need."""
        return self._stage(engine=engine, memory=memory)

    def run_by(self, placement: Placement) -> "Candidate":
        """The candidate as something that runs."""
        return self._stage(running=placement)

    def kept(self, needed: int, slower: str) -> "Candidate":
        """The candidate as something that runs and is slower than the objectives."""
        return self._stage(refusal=None, needed=needed, slower=slower)

    def sized(self, count: Count) -> "Candidate":
        """The candidate with another count, quoted anew at its price."""
        quote = self.quote
        return self._stage(count=count, quote=quote and self._quote(count, quote.price, stated=quote.stated))

    def quoted(self, count: Count, price: Price | None) -> "Candidate":
        """The candidate with its count and the price of its pool, None where nobody states one.

        What runs is then charged what it was.
        """
        charged = price or (self.running.price if self.running else None)
        quote = None if charged is None else self._quote(count, charged, stated=price is not None)
        return self._stage(count=count, quote=quote)

    def judged(self, verdict: Verdict, reason: Reason, words: Words) -> "Candidate":
        """The candidate as the record shows it."""
        return self._stage(judgement=Judgement(verdict, reason, words))

    def _quote(self, count: Count, price: Price, *, stated: bool) -> Quote:
        replica = RunRate(self.tensor_parallel_size * price.usd_per_gpu_hour)
        run_rate = replica * count.replicas
        if self.hours is None:
            claim = Charge(run_rate if count.reserved == count.replicas else replica * count.reserved)
            compared = (replica * max(count.recommended, 1)).month
        else:
            compared = run_rate.over(Decimal(f"{self.hours:.6f}"))
            claim = Charge(total=compared)
        return Quote(price=price, stated=stated, replica=replica, run_rate=run_rate, claim=claim, compared=compared.usd)

    @property
    def kind(self) -> Kind:
        """What tells it apart from the other candidates."""
        return (self.pool, self.gpu_type, self.capacity_type, self.tensor_parallel_size)

    @property
    def replicas(self) -> int:
        """Replicas that would run."""
        return self.count.replicas

    @property
    def claim(self) -> Charge:
        """What the ledger would hold for it; nothing without a price."""
        return self.quote.claim if self.quote else NOTHING

    @property
    def compared(self) -> Decimal:
        """USD by which candidates are compared; what has no price is dearer than everything."""
        return self.quote.compared if self.quote else INFINITE

    @property
    def serves(self) -> bool:
        """Whether the recommended count carries the rate: scaling.maxReplicas may allow fewer than it needs."""
        return not self.count.recommended or self.needed <= self.count.recommended

    @property
    def requests_per_second(self) -> float:
        """What the recommended count carries."""
        return self.count.recommended * (self.speed.requests_per_second if self.speed else 0.0)

    @property
    def order(self) -> tuple[bool, Decimal, int, float, str, str, int]:
        """What serves the rate first, cheapest first; ties by fewer GPUs, then faster, then name.

        Where scaling.maxReplicas allows too few, the cheapest per request is the cheapest. What nobody states a price
        for comes last, also where it runs.
        """
        speed = self.speed.requests_per_second if self.speed else 0.0
        size = self.tensor_parallel_size
        usd = self.quote.compared if self.quote and self.quote.stated else INFINITE
        if not self.serves:
            usd /= Decimal(self.requests_per_second)
        return (not self.serves, usd, self.count.recommended * size, -speed, self.pool, self.gpu_type, size)

    @property
    def verdict(self) -> Verdict:
        """Chosen, feasible or rejected; feasible as long as nobody objected."""
        if self.judgement is not None:
            return self.judgement.verdict
        return Verdict.REJECTED if self.refusal is not None else Verdict.FEASIBLE

    @property
    def reason(self) -> Reason:
        """Why: of a candidate that was refused or judged."""
        why = self.judgement or self.refusal
        assert why is not None
        return why.reason

    @property
    def message(self) -> str:
        """The reason in words, with its numbers."""
        why = self.judgement or self.refusal
        return why.message if why is not None else ""

    @property
    def cost(self) -> Quote | None:
        """The quote as the record shows it: None while nothing was counted, and where nobody states a price."""
        return self.quote if self.quote and self.quote.stated and self.count.recommended else None

    @property
    def total(self) -> Total | None:
        """The forecast of a batch at the price that it is charged; None for real-time work and while not counted."""
        counted = self.quote is not None and self.count.recommended and self.hours is not None
        return self.claim.total if counted else None

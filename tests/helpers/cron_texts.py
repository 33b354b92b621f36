"""Cron texts to try: right and wrong ones, the same for every run."""

from __future__ import annotations

from random import Random

RIGHT = (
    "0 59 */5 0-30 30-10 5/10 1,2,3 007 */99 1-1 ٣",
    "0 23 */5 0-12 22-6 5/10 1,2,3 */1 23-23",
    "1 31 L l 15W W1 31w ? */2 1-15 28-3 L,1 1-L 20-l 5-l/2 30/1",
    "1 12 jan dec-feb Jan-Mar */3 JAN,FEB jan-jan 11-2/2 2-jun",
    "0 7 sun 1-5 fri-mon mon#1 1#5 L5 l0 MON-FRI mon-fri#2 sun#1,mon#1 6-7 0-7 */2 1#1,*",
    "0 30 */15 0-10 50-10",
    "1970 2026 2020-2030 2099 2030/2 2030-2020",
)
"""By field: what croniter takes, alone or under conditions."""
WRONG = (
    "60 24 32 13 8 -1 1- a-b-c */0 foo jan#2 xyz#1 mon#6 1_0 1.5 +1 ?, 15W,3 2#1,3 H H/5 h(0-9) LW"
    " L-3 5L # ## 1#L 2100 1969 99999999999999999999 ,1 1,,2 ? L w * a/b */ /5 5/5/5 1-2-3"
)
ODD = (
    *("", " ", "@daily", "@Daily", "@hourly", "@midnight", "@MIDNIGHT", "@annually", "@weekly"),
    *("@monthly", "@quarterly", "@Quarterly", "@yearly", "@YEARLY", "@once", "@Once", "@continuous"),
    *("@reboot", "@every 5m", " @daily", "@daily ", "@", "daily", "None", "6h", "* * * *", "*"),
    *("* * * * * * * *", "  0  3 *\t* 1 ", "0\u00a03 * * 1", "0 0 L * *", "0 9 * * 1#1", "0,0 * * * *"),
    *("0 0 31 2 *", "0 0 31 2 1", "9" * 5000 + " * * * *", "*/" + "9" * 5000 + " * * * *"),
    *("0 0 3 ? * MON", "0 0 3 ? * MON *", "0 3 ? * MON *", "0 3 * * 1 2026", "0 3 * * 1;", "0 3 * * 1 #"),
)  # fmt: skip
"""Words, counts of fields, spaces, and what other tools write."""


def cron_texts(count: int, seed: int = 0) -> list[str]:
    """Return the odd texts and `count` others: about half are right, most of the rest wrong in one place."""
    random = Random(seed)  # noqa: S311 - a sample, the same for everybody
    return [*ODD, *(_text(random) for _ in range(count))]


def _text(random: Random) -> str:
    fields = random.choice((5, 5, 5, 5, 6, 7))
    parts = [
        random.choice(RIGHT[at].split()) if random.random() < 0.6 else "*" for at in range(fields)
    ]
    if random.random() < 0.5:
        parts[random.randrange(fields)] = random.choice(WRONG.split())
    elif random.random() < 0.2:
        at = random.randrange(fields)
        parts[at] += f",{random.choice(RIGHT[at].split())}"
    return " ".join(parts)

"""What the statistics hold: intervals and verdicts on data whose truth is known.

    python -m bench.coverage                       # all themes, 4,000 runs of each setting
    python -m bench.coverage lopsided early        # two of them
    python -m bench.coverage --runs 200 --only "lognormal(1)" lopsided

Each theme is a module of this package with a function `settings`; the command finds it by that. To
add a theme, add a module:

    # bench/coverage/tails.py
    '''Numbers with heavy tails.'''

    def settings() -> Iterator[Setting[Any]]:
        for n in (20, 100):
            def draw(chance: Chance, n: int = n) -> Drawn:
                base = chance.normal(size=n)
                return Drawn(np.stack([base, base + chance.standard_t(3, n)]), means=(0.0, 0.0))

            yield Setting(f"t with 3 degrees of freedom, n {n}", draw, keep=Keep(coverage=0.93))

`draw` draws one run: scores of arms by cases (by repeats), NaN where nothing was measured, the true
mean of each arm, groups, the rule. Data are those of a population: cases and groups are drawn anew
each time. `conclude` turns it into what was said; by default it goes through `join` and `compare`,
as the command does. For another verb, give a function of your own that returns a `Seen`: one `Told`
for each row, and shares of runs of any kind (`marks`; each note that was told is one, as "told
CODE"). `plain` does the same by the method of before, for the columns beside; None leaves it out.
`keep` says what the setting must hold. `share` lessens runs that take the store.

A line of the table, in percent with the error of the simulation:

    covers   how often the interval that is shown for the verdict holds the truth
    at once  how often all intervals of a family do
    false    families with any verdict that the truth contradicts
    refused  rows without a verdict because the evidence cannot bear one
    found    rows whose verdict is the right one; undecided is not
    plain    the same three (covers, false, found) by the plain method, see `plain`
    against  rows whose interval and verdict contradict each other: must be 0
    lost     the power lost against the plain method, where that keeps 93 % and 5 % itself

`holds` says that each rate is kept or missed by no more than two errors of the simulation; else the
row says what it missed, and the command ends with 1. A shortfall that is known (`Keep.known`, told
in docs/trust.md) is printed and does not.
"""

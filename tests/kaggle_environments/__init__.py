"""Our engine beside kaggle-environments: the same seeds, the same agents, the same episodes.

Deliberate differences, each shown by a test of test_differences.py:

- An action with NaN, an infinity, an integer of more than 64 bits, a lone surrogate or a hundred
  levels of nesting is INVALID here: no JSON carries it. There it goes to the rules.
- `sys.exit()` in an agent is its ERROR here. There it ends the whole program.
- The logs belong to the steps here: one entry each, emptied by a reset. There every reset adds one.
- An exception that an agent returns is in its log here. There the log is empty.
- A seed is blank in the configuration that agents get here. There they may read it.
- `make(name, {"remainingOverageTime": 2})` sets the bank here. There it is kept and ignored.
- The exception of an episode over its runTimeout names the seat that used the time here.
- kaggle-environments' own DeadlineExceeded as an action is an ERROR here, as any other exception.
- An agent at a URL that cannot be asked has failed here. There it plays the default action.

What neither engine can repeat, because the games draw from the system or the clock and not from the
global generators: cabt, mab, crawl without a `randomSeed`, and the random agents of kaggriculture,
kaggriculture_beginner and kargo.
"""

"""interpbook: what deep models really tell us, as a textbook that runs and a small library it stands on.

Each function says its equation first, then shapes and ranges, then the errors that it raises, and ends in an example
that the tests run. Four habits hold everywhere:

- **A function explains a function.** `f` maps a batch `(B, *dims)` to one number each, `(B,)`; `select(model, target)`
  makes it from a classifier, and is the only place where a class is chosen.
- **Raw and signed.** What comes back has the input's device and dtype. Absolute values, scaling and upsampling belong
  to figures.
- **No trace.** No gradient, hook, mode, flag or random state is different after a call, also after one that failed.
- **Randomness is an argument.** Pass a `torch.Generator`; the global seed is never read.
"""

__version__ = "0.1.0.dev0"

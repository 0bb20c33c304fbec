"""The benchmark harness: plan, train, translate, score, report; installed as `i2i.benchmarks`."""

if __name__ != "i2i.benchmarks":
    raise ImportError("the harness is imported as i2i.benchmarks, not as a top-level package")

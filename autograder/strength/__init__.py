"""How strong the tests are: what they make of mutants of the reference answers, of known mistakes and of right answers.

``mutants`` changes reference answers, ``trial`` grades many answers to a question through the engine, ``equivalent``
tells which mutants that pass are no different, ``run`` does all of it in parallel and remembers it, ``report`` writes
``docs/strength/NAME.md``, ``flaky`` grades the reference answers with one seed after the other.
"""

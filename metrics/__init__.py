"""Statistics on arrays: pure functions with frozen results.

What the verdicts of an audit stand on, valid whenever one looks:

- :mod:`.dependence`: do the answers depend on the attribute? :mod:`.bounded`: how large is the
  mean? :mod:`.share`: how many contexts are hit?
- :mod:`.evidence`: averages of evidence, and p-values of it; :mod:`.families`: what may be claimed
  of several hypotheses; :mod:`.planning`: what it will cost.

What a data scientist asks of a table:

- :mod:`.fixed`: tests of a fixed number of units; :mod:`.sequential`: tests of a table that grows.
- :mod:`.groups`: metrics by group with intervals and tests; :mod:`.ranking`: ranked lists.

:mod:`.result` is what a statistic returns. :mod:`.registry` knows every test that gives a p-value,
with its null hypothesis and its laws.
"""

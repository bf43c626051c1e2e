"""Tests of a fixed number of units, by what was compared.

- Matched: :mod:`.paired` (customer by customer), :mod:`.blocked` (whole blocks, ladders of levels),
  :mod:`.crossed` (personas × items), :mod:`.zero_inflated` (gaps that are mostly none).
- Independent arms: :mod:`.independent` (means, spreads), :mod:`.rates` (yes or no),
  :mod:`.distributions` (anything at all), :mod:`.stratified` (lawful conditions held equal).
- :mod:`.absence`: no difference beyond a limit, and how many units show that.
- :mod:`.multiplicity`: many p-values at once.

They share :mod:`.permutation`, which deals labels and turns signs.
"""

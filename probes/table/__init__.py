"""What a log shows as it stands. Nobody drew lots when it was written.

A log is read here and not asked: whoever picks its rows by what was asked, as the target ``table``
does, has matched the conditions already and no longer sees what they explain.
"""

from .associations import Association, Associations, associations

__all__ = ["Association", "Associations", "associations"]

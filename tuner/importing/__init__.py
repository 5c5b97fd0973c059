"""Takes over projects of Keras Tuner.

`damage` and `reading` know the old files, `objectives`, `ladders` and `translating` say what they
mean here, `writing` makes a project of it; `summary` tells how it went.
"""

from tuner.importing.importer import import_keras_tuner
from tuner.importing.summary import Imported

__all__ = ["Imported", "import_keras_tuner"]

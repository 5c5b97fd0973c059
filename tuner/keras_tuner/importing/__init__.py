"""Takes over projects of Keras Tuner."""

from tuner.keras_tuner.importing.importer import Imported, import_keras_tuner

__all__ = ["Imported", "import_keras_tuner"]

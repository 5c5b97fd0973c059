"""What a script has told Keras once for the whole process, on its way to the children."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class KerasSettings:
    """Settings that every layer takes its defaults from, and the registered classes."""

    floatx: str
    epsilon: float
    image_data_format: str
    dtype_policy: dict[str, Any]
    custom_objects: dict[str, Any]
    """By registered name, `package>name`."""

    @classmethod
    def now(cls) -> KerasSettings | None:
        """Those of this process; None while Keras is not imported, so that there are none."""
        keras = sys.modules.get("keras")
        if keras is None:
            return None
        return cls(
            keras.config.floatx(),
            keras.config.epsilon(),
            keras.config.image_data_format(),
            keras.dtype_policies.serialize(keras.config.dtype_policy()),
            {
                name: custom
                for name, custom in keras.saving.get_custom_objects().items()
                # What libraries register, they register in the child too.
                if getattr(custom, "__module__", None) == "__main__"
            },
        )

    def apply(self) -> None:
        import keras

        keras.config.set_floatx(self.floatx)
        keras.config.set_epsilon(self.epsilon)
        keras.config.set_image_data_format(self.image_data_format)
        policy = keras.dtype_policies.deserialize(self.dtype_policy)
        keras.config.set_dtype_policy(policy)
        for registered, custom in self.custom_objects.items():
            package, _, name = registered.rpartition(">")
            keras.saving.register_keras_serializable(package, name)(custom)

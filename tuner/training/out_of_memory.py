"""Tells errors that say "out of memory" from all others, whatever library raised them."""

from __future__ import annotations

ERRORS = frozenset({"ResourceExhaustedError", "OutOfMemoryError", "MemoryError"})
"""TensorFlow's, PyTorch's, Python's and numpy's."""

SAID = ("resource_exhausted", "out of memory", "cuda_error_out_of_memory", "alloc_failed")
"""What JAX, cuDNN and CUDA say in errors that may be anything."""

RUNTIME_ERRORS = frozenset({"InternalError", "UnknownError", "XlaRuntimeError", "RuntimeError"})

HINT = (
    "The trial needs more memory than there is. Use smaller batches, fewer trials per GPU, or "
    "`max_model_size` to refuse such models before they are trained."
)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether the error, or one that led to it, is a lack of memory of the host or a device."""
    seen: BaseException | None = error
    while seen is not None:
        names = {cls.__name__ for cls in type(seen).__mro__}
        text = str(seen).lower()
        if names & ERRORS or (names & RUNTIME_ERRORS and any(word in text for word in SAID)):
            return True
        seen = seen.__cause__ or seen.__context__
    return False

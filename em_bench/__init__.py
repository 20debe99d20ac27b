"""em_bench: how often a language model gives misaligned answers to ordinary questions, and how sure that number is."""

__version__ = "0.1.0"

__all__ = ["__version__"]

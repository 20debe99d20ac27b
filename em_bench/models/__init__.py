"""Models that ship (simulated ones here, a small real one in `smol`), and the cards that describe models."""

from em_bench.models.card import ModelCard, find_card, read_cards
from em_bench.models.organism import KINDS, Organism, read_bank

__all__ = ["KINDS", "ModelCard", "Organism", "find_card", "read_bank", "read_cards"]

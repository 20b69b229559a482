"""What a refusal advises, done: by the words of the advice, and what follows them."""

from followed.registry import ACTS, ELSEWHERE, UNTESTED, Act, advice, is_advice

__all__ = ["ACTS", "ELSEWHERE", "UNTESTED", "Act", "advice", "is_advice"]

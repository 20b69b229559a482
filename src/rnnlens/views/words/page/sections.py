"""Headings and standing sentences of the page."""

from __future__ import annotations

from rnnlens.views.words.language import say

__all__ = ["page_words"]


def page_words() -> dict[str, str]:
    """Give what the page says whatever the network, by the name that its template asks for."""
    return {
        "contents": say("Contents"),
        "answers": say("In short"),
        "behind": say("The statistics behind these answers"),
        # the forecast
        "forecast": say("Is the forecast any good?"),
        "forecast_short": say("The forecast"),
        "not_judged": say("Its error was not judged: too little is known of what happened."),
        # fidelity
        "same": say("Is it the same network?"),
        "same_short": say("The same network?"),
        # anatomy
        "network": say("What is it?"),
        "network_short": say("The network"),
        "counted": say("How the parameters are counted, and what each layer is told"),
        "arrays": say("Every array, its gate, and where it is stored"),
        # inputs
        "uses": say("What does it use?"),
        "uses_short": say("Inputs"),
        "sums": say(
            "A contribution is a signed part of a forecast minus its baseline’s forecast. The "
            "contributions of a window sum to that difference."
        ),
        "lag_alone": say("This method gives them by lag alone."),
        "together": say("All inputs at once"),
        "together_how": say(
            "Here all inputs are hidden and shown together, and what all of them give sums to the "
            "change of the forecast; above, the others keep their values."
        ),
        # lags
        "memory": say("How far back does it look?"),
        "memory_short": say("Lags"),
        "evidence": say("Evidence on each lag"),
        "lag_table": say("Each lag in numbers"),
        "how": say("How the columns were made"),
        "remembers": say("How long its cells remember"),
        "remembers_how": say("What each measure found"),
        # one forecast
        "explore": say("Why this forecast?"),
        "explore_short": say("One forecast"),
        "runs": say(
            "This page holds the network and runs it, on this machine and without a connection. "
            "Choose a window, step through it, change an input or hold a gate: forecast, gates "
            "and contributions follow."
        ),
        "scripts_off": say("Scripts are off or not yet run; the figures below show one window."),
        "still": say("One window, as a picture"),
        "gates": say("Its gates and states"),
        # trust
        "trust": say("Can I trust that?"),
        "trust_short": say("Checks"),
        "warnings": say("Warnings"),
        "not_checked": say("What was not checked"),
        # provenance
        "made": say("How was it made?"),
        "made_short": say("Made how"),
        "again": say("To make it again"),
        "cited": say("What it rests on"),
        # weights
        "weights": say("The weights, gate by gate"),
        "weights_short": say("Weights"),
        "weights_shown": say("Show the weights as pictures"),
        "weights_why": say(
            "A large weight is not yet an important input: what it meets, and what the gates let "
            "through, decides."
        ),
        "left_out": say(
            "Left out, so that this file stays small; draw it with rnnlens.views.charts."
        ),
    }

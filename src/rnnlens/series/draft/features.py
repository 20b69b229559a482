"""Which columns of a table a network takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rnnlens.arguments import did_you_mean
from rnnlens.errors import ConfigError, DataError
from rnnlens.names import told
from rnnlens.series.column import Column
from rnnlens.series.draft.clock_found import ClockFound
from rnnlens.series.draft.facts import Asked, Chosen, Facts, Notes
from rnnlens.series.draft.look import Look
from rnnlens.series.draft.matching import Match, matched
from rnnlens.series.scalers.lines import Columns
from rnnlens.series.scalers.variables import variables_from
from rnnlens.series.variable import Variable

__all__ = ["chosen_features", "taken_from"]


def chosen_features(
    facts: Facts, looks: Sequence[Look], clock: ClockFound | None, asked: Asked, notes: Notes
) -> Chosen:
    """Choose the network's features, by their names, by the scaler's numbers, or by their count."""
    by_name = {look.name: look for look in looks}
    if asked.features is not None:
        chosen = _as_asked(asked.features, by_name, asked.scaler)
        names = _listed(asked.features)
        notes.say(told("features: {names}, as they were named", names=names), sure=True)
    elif asked.scaler is not None and asked.scaler.names is not None:
        chosen = _as_named(asked.scaler, by_name)
        names = _listed(asked.scaler.names)
        notes.say(told("features: {names}, as the scaler names them", names=names), sure=True)
    elif asked.scaler is not None:
        chosen = _as_matched(facts, looks, asked.scaler, notes)
    else:
        chosen = _as_they_stand(facts, looks, clock, notes)
    chosen = _of_width(chosen, facts, notes)
    return chosen.with_variables(
        tuple(taken_from(variable, by_name, "features", notes) for variable in chosen.variables)
    )


def _listed(names: Sequence[str]) -> str:
    if len(names) <= 12:
        return ", ".join(names)
    return told("{names} and more", names=", ".join(names[:10]))


def _as_asked(names: tuple[str, ...], by_name: dict[str, Look], scaler: Columns | None) -> Chosen:
    for name in names:
        if name not in by_name:
            raise ConfigError(
                f"features names {name!r}, and the table has no such column"
                f"{did_you_mean(name, by_name)}; it has {_listed(list(by_name))}"
            )
    if scaler is None:
        return Chosen(tuple(map(Variable, names)), scaled=False)
    return Chosen(variables_from(scaler, names), scaled=True)


def _as_named(scaler: Columns, by_name: dict[str, Look]) -> Chosen:
    variables = []
    for variable in variables_from(scaler):
        if variable.name in by_name:
            variables.append(variable)
            continue
        encoded = _encoded(variable.name, by_name)
        if encoded is None:
            raise DataError(
                f"the scaler was fitted on a column {variable.name!r}, which the table has not"
                f"{did_you_mean(variable.name, by_name)}; give the table that it was fitted on, or "
                "name the columns of this one in the same order with features (--features a,b,c)"
            )
        variables.append(replace(variable, column=encoded))
    return Chosen(tuple(variables), scaled=True)


def _encoded(name: str, by_name: dict[str, Look]) -> Column | None:
    """Tell a column that stands for one text of another: ``wind_SE``, as encoders name them."""
    for look in by_name.values():
        for kind in look.kinds:
            if name in {f"{look.name}_{kind}", f"{look.name}={kind}"}:
                return Column(of=look.name, equals=kind)
    return None


def _as_matched(facts: Facts, looks: Sequence[Look], scaler: Columns, notes: Notes) -> Chosen:
    found = matched(looks, scaler)
    if found is None:
        held = [look.name for look in looks if look.codes is not None]
        raise DataError(
            f"the scaler was fitted on {len(scaler)} columns without names, and the table has "
            f"{len(held)} of numbers ({_listed(held)}); give the table that it was fitted on"
        )
    names = [look.name for look in found.looks]
    _say_match(found, names, notes)
    return Chosen(variables_from(scaler, names), scaled=True, share=found.share)


def _say_match(found: Match, names: list[str], notes: Notes) -> None:
    listed = _listed(names)
    if found.exact and found.share == 1:
        notes.say(
            told(
                "features: {names}: the scaler's {count} columns have the numbers",
                names=listed,
                count=len(names),
            ),
            sure=True,
        )
        return
    if found.exact:
        notes.say(
            told(
                "features: {names}: the scaler's {count} columns have the numbers of the first "
                "{share:.0f} % of the rows",
                names=listed,
                count=len(names),
                share=100 * found.share,
            ),
            sure=True,
        )
        return
    worst = names[max(range(len(names)), key=found.misfits.__getitem__)]
    how = (
        told(
            "features: {names}: the columns whose numbers are most like those of the scaler, which "
            "are near (least for {worst})",
            names=listed,
            worst=worst,
        )
        if found.near
        else told(
            "features: {names}: the columns whose numbers are most like those of the scaler, which "
            "are not near (least for {worst})",
            names=listed,
            worst=worst,
        )
    )
    notes.say(how, sure=False)
    for name in names:
        notes.comment("features", name, told("is this the column that the scaler was fitted on?"))


def _as_they_stand(
    facts: Facts, looks: Sequence[Look], clock: ClockFound | None, notes: Notes
) -> Chosen:
    """Take the columns of numbers, in the order of the table."""
    timed = set() if clock is None else set(clock.clock.columns)
    group = None if clock is None else clock.group
    free = [look for look in looks if look.codes is not None and look.name != group]
    plain = [
        look
        for look in free
        if look.numbers is not None and look.name not in timed and not look.is_counter
    ]
    # Wider and wider, until there are enough: then texts of a few kinds, then parts of the time.
    wider = [look for look in free if look.name not in timed and not look.is_counter]
    for candidates in (plain, wider, free):
        if len(candidates) >= facts.features:
            break
    else:
        raise DataError(
            f"the network takes {facts.features} features and the table has {len(free)} columns "
            f"that may be some ({_listed([look.name for look in free])}); give the table that it "
            "was trained on"
        )
    names = [look.name for look in candidates[: facts.features]]
    left = [look.name for look in candidates[facts.features :]]
    if left:
        notes.say(
            told(
                "features: {names}, the first {count} of the table's columns; not taken: {left}",
                names=_listed(names),
                count=facts.features,
                left=_listed(left),
            ),
            sure=False,
        )
        _ask_of_others(names, left, notes)
    else:
        notes.say(
            told(
                "features: {names}, the table's columns in their order, as many as the network "
                "takes",
                names=_listed(names),
            ),
            sure=False,
        )
        question = told("are these the columns, in the order of training?")
        notes.comment("features", names[0], question)
    return Chosen(tuple(map(Variable, names)), scaled=False)


def _of_width(chosen: Chosen, facts: Facts, notes: Notes) -> Chosen:
    """Take as many as the network does: a scaler may have scaled the target with the features."""
    names = [variable.name for variable in chosen.variables]
    if len(names) < facts.features:
        raise DataError(
            f"the network takes {facts.features} features and {len(names)} were found "
            f"({_listed(names)}): name all of them in its order with features (--features a,b,c), "
            "or give the scaler of all of them"
        )
    if len(names) == facts.features:
        return chosen
    left = names[facts.features :]
    notes.say(
        told(
            "of these the network takes {count}, here the first; not taken: {left}",
            count=facts.features,
            left=_listed(left),
        ),
        sure=False,
    )
    _ask_of_others(names[: facts.features], left, notes)
    return chosen.with_variables(chosen.variables[: facts.features])


def _ask_of_others(names: Sequence[str], left: Sequence[str], notes: Notes) -> None:
    """Ask at each column whether one of those not taken is meant."""
    for name in names:
        notes.comment("features", name, told("or one of {names}?", names=_listed(left)))


def taken_from(variable: Variable, by_name: dict[str, Look], table: str, notes: Notes) -> Variable:
    """Say what a variable's column holds besides numbers: texts, and cells without a value."""
    look = by_name.get(variable.source)
    column = variable.column
    if look is None:
        return variable
    if look.numbers is None and not column.is_text:
        pairs = tuple((kind, float(number)) for number, kind in enumerate(look.kinds))
        column = replace(column, map=pairs)
        question = told("texts numbered as they are sorted: were they?")
        notes.comment(table, variable.name, question)
        notes.say(
            told("{name}: its texts are numbered as they are sorted", name=variable.name),
            sure=False,
        )
    if look.missing:
        column = replace(column, missing="drop")
        question = told("{cells:,} empty cells: as in training?", cells=look.missing)
        notes.comment(table, variable.name, question)
        notes.say(
            told(
                "{name}: {cells:,} cells hold no value, and windows do not cross them",
                name=variable.name,
                cells=look.missing,
            ),
            sure=False,
        )
    return replace(variable, column=column)
